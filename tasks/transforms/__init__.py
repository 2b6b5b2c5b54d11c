"""Pure functions from bytes and tables to tables: no engine, no disk, no clock; called by tasks, never by models."""
