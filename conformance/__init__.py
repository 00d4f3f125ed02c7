"""docex-conformance: checks from outside, by address and credentials, against docs/exchange-protocol.md.

For vendors of document systems and of other hubs. It knows nothing of a hub but its public API, and nothing of a
client but what its hub sees of it.
"""
