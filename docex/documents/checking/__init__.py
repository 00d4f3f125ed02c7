"""What the public may ask without signing in: the code on a printed paper, and any file that is handed in."""
