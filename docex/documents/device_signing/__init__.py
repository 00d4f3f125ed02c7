"""Signing with the signer's own device: the paper goes out to the agent on the desk, and its signed file comes in."""
