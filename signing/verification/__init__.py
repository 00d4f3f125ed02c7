"""Verification of signatures in PDF files and of envelopes: bytes and trust in, a verdict out."""
