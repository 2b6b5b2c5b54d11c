"""Regimes of mobility: a hidden Markov model over all regions, and the state of every day. Its chain runs in the stage
`hmm`.
"""
