"""Checking signatures: the pages of a paper's verdicts, and what the public may ask without signing in."""
