"""Work in confined processes: its limits, its answers, and attempts to escape."""
