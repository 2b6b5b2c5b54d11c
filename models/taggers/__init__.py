"""A tagger of parts of speech, and the lemmas that treebanks know; called by tasks."""
