"""Keeping signed papers verifiable: time-stamps, validation data, and their renewal."""
