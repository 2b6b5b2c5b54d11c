"""What compiled kernels share: lanes, random bits, alias tables, meetings of threads; called by learners of models."""
