"""Questions on what is published: SQL, documents, words. For the command line."""
