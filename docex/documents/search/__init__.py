"""What documents are found by: the facts of received copies, and the text of papers."""
