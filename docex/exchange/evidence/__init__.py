"""Evidence packs: asked for on the page of a document, made by the worker, taken away by whoever may read it."""
