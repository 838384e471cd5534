//! Attacks a running node and says what held and what fell.
