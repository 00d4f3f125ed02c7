"""Signing with devices, by the program on the signer's computer."""
