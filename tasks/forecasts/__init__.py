"""Forecasts of mobility by an LSTM, one model over all regions. Their chain runs in the stage `lstm`."""
