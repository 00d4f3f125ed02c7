"""The evidence log: a Merkle tree of all that was accepted, with receipts, signed heads and its audit."""
