"""Learners as values: arrays and settings in, models out; no engine, disk, clock or chance; called by tasks alone."""
