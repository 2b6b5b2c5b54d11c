"""Tokens, vocabulary and weights of terms. Its chain runs in the stage `features`."""
