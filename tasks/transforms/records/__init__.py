"""Files of sources into records, and records into rows or quarantine; called by tasks and by mobility."""
