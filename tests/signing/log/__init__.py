"""The evidence log and its audit."""
