"""Daily series laid on a calendar, and their encodings; called by forecasts and regimes, and by tasks."""
