"""Search for documents: by the facts of received copies, and the text of papers."""
