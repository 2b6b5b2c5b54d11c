"""The one training loop for PyTorch, its settings and states; called by every learner that trains, and by tasks."""
