//! Makes a CRM equal to the desired records.
