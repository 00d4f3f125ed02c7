"""What the page of one document shows, outgoing or received."""
