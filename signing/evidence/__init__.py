"""Evidence packs of documents: made, written in one form, checked without network and database."""
