"""Chains, stages, plan and engine: how what the rooms declare is run. For rooms, flows and the command line."""
