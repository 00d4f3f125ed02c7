"""A process that verifies one large file and tells the peak of its memory in MB (Linux): FOLDER of
`bench.verify.run`. It loads what a verifying process of the service loads, and nothing of the benches."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bench.harness.memory import peak_mb
from signing.trust.trust_store import TrustStore
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verification.file_verification import Expected, verify


def main(folder: Path, agency: str) -> None:
    """Verify `large.pdf` in the folder."""
    data = (folder / "large.pdf").read_bytes()
    trust = TrustStore(folder / "trust", allow_test=True).trust()
    verdict = verify(data, trust, policy_for(DocumentKind.OFFICIAL), expected=Expected((agency,)))
    # Not getrusage: its peak is that of the process that started this one, if that was larger.
    sys.stdout.write(f"{verdict.value} {peak_mb(os.getpid()):.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
