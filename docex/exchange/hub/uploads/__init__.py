"""Files that systems hand in piece by piece, and the scanner that looks at them."""
