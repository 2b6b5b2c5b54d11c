"""The report: its frame, and what every section of it stands on. Sections lie in the rooms of their subjects."""
