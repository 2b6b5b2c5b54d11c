"""Classifiers of documents, and the choice among them; called by tasks."""
