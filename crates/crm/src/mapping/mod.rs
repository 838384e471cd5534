//! The mapping: which property of a CRM gets which value, as configuration.
