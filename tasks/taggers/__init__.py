"""Taggers of parts of speech, one a language: trained in the stage `hmm`, applied by `tasks.features`."""
