"""Keeping signed papers and renewing their time-stamps."""
