"""Regimes of mobility: a hidden Markov model of all regions, every day's state. Its chain runs in the stage `hmm`."""
