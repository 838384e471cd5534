//! The processor `project`: facts in, desired records out.
