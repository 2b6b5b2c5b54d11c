"""Mobility and policy: reports parsed, vintages merged, both joined. Its chain runs in the stage `mobility`."""
