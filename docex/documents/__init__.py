"""Documents of one agency, whether or not they travel: writing, numbering, issuing, receiving, registers, checking."""
