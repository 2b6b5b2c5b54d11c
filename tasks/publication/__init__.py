"""From what the stages left to the next snapshot: validation, publishing, the pages on both. For the flow `publish`."""
