"""Received documents: registering or refusing them, the submission sheet, the work on them."""
