"""PDF files with signatures: read strictly, signed, time-stamped, stamped with pictures."""
