"""Declared sources and what they have: kinds, fetching, raw vintages, foreign pages. For stages that take data in."""
