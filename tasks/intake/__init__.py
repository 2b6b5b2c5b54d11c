"""Declared sources and what they have: kinds, fetching, raw vintages, foreign pages. For every stage that takes
something in.
"""
