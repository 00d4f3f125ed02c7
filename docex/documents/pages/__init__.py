"""The page of one document, outgoing or received."""
