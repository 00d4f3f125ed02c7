"""Giving tasks at once, and reminding the right person at the right moment."""
