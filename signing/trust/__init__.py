"""Whom the instance trusts, and what is known about the revocation of certificates."""
