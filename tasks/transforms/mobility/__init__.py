"""Mobility reports and policy indices into their tables; called by the tasks of mobility."""
