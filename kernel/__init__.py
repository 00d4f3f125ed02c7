"""What every room shares. Knows no agency, no document and no Flask."""
