"""Proofs of the live streams."""
