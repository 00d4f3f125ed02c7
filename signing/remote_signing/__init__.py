"""Signing with keys on the signers' own devices: what goes out, what comes back, who may sign for whom."""
