"""Secret ballots: encrypted in the voter's browser, summed as they are, opened only by all trustees together."""
