"""Outgoing documents until the leader signs: what the form says, review, files, groups of recipients."""
