//! What people see of the topics: snapshot, numbers, traces; the same over both engines.
