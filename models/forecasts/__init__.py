"""Forecasts of mobility with intervals, and their scores on days not yet seen; called by tasks."""
