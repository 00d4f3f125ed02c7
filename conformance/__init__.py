"""docex-conformance: checks a hub from outside, by URL and credentials, against docs/exchange-protocol.md.

For vendors of document systems and of other hubs. It knows nothing of the hub but its public API.
"""
