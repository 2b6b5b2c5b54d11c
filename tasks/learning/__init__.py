"""What learners share: champions, models on disk, what the UI shows of them. For the rooms of learners."""
