"""Labels of documents, learned from labelled sources, predicted for others. Their chain runs in the stage `lstm`."""
