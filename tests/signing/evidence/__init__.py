"""Evidence packs, and the command that checks them."""
