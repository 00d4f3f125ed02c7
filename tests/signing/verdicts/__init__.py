"""Reasons of verdicts, and names that look alike."""
