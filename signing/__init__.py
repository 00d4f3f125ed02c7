"""Signatures and their evidence: who signed, what a signature is worth, and how that can still be shown years later.

The sub-packages stand on floors (docs/architecture.md). The lower ones work on bytes: `verdicts`, `keys`, `updates`,
`pdf`, `rendering` and `verification` know no database and no request, and `sandbox` runs what reads files of others in
processes of its own. `trust`, `remote_signing`, `archive` and `log` keep rows of their own. `evidence` writes and
checks packs, `testca` is the test authority. Pages, API, jobs and self-checks stand at the top, in this folder. No part
knows a document of `docex`.
"""
