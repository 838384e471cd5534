//! A HubSpot that behaves as the real one does, and misbehaves on demand.
