"""Text into tokens, words, sentences and counts; called by tasks, and by records for texts in normal form."""
