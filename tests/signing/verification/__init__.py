"""Verification of signed files: forged, honest, hostile ones, and those of other programs."""
