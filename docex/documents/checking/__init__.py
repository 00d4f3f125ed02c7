"""Checks that the public may ask for without signing in: the code on a printed paper, and any file that is handed
in."""
