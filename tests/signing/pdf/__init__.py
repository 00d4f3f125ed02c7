"""PDF files: read, signed, stamped, measured in pictures of their pages."""
