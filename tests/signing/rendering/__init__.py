"""Pages compared as they are drawn."""
