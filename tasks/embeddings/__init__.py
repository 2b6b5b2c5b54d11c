"""Word vectors of every language, learned and judged, measured and mapped. Their chain is the stage `embeddings`."""
