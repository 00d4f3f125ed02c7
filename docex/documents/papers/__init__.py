"""The files of documents and envelopes: taken in, found again, placed under signatures, kept for decades."""
