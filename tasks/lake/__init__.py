"""The lake: files, steps, stages, snapshots, warehouse. It knows no step by name; everything else stands on it."""
