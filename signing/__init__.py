"""Signatures and evidence: bytes in, bytes and a verdict out. Knows no document, no database, no request.

Sign with `pades`, judge with `verify`, whose answer is a `verdicts.Verdict`; keys are behind `keys.KeyStore`,
trust is a folder read by `trust.TrustStore`, and `policy` says who must sign what. All of it is CPU work for workers.
"""
