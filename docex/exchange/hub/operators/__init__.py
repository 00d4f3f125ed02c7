"""The operator's view of the connected systems, and acts on them."""
