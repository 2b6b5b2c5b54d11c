"""Charts as SVG text; called by the report."""
