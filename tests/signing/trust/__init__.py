"""The trust store, its pages, and what is known about revocation."""
