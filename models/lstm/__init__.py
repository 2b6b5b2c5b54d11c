"""LSTM layers with variants, and a simple RNN, as modules of PyTorch; called by forecasts, labels and benchmarks."""
