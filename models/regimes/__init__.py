"""Regimes of mobility, a hidden Markov model whose states have names; called by tasks."""
