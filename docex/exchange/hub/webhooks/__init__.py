"""Hints to the systems of agencies that something waits for them, over HTTP."""
