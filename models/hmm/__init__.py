"""Hidden Markov models with the surface of hmmlearn; called through `surface`, by regimes and by tasks."""
