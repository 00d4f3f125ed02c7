"""`scripts/bench verify`: how many letters with two signatures a process judges, with revocation known already.

The peer is pyHanko itself: both signatures by `async_validate_pdf_signature` with the same roots and lists, revocation
required, and the look at what was added between them; it judges neither who had to sign nor in which order. Then a file
of 20 MB, and the memory of a process that judges it.
"""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from asn1crypto import crl
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from bench.papers import AGENCY, Signing, enlarged, letter
from bench.report import Result, each_ms, median, progress
from signing.isolation import apart
from signing.policy import DocumentKind, policy_for
from signing.trust import Purpose, Trust
from signing.verdicts import Value, Verdict
from signing.verify import Expected, verify

ROUNDS = 3
TURNS = 20
LARGE_BYTES = 20_000_000
LEAST_PER_S = 8.0
MOST_LARGE_S = 0.5
MOST_MB = 256.0
MUST = 1.5


def main() -> Result:
    """Three rounds, ours and the peer in turn; the figures are the medians."""
    with tempfile.TemporaryDirectory() as folder:
        signing = Signing.begin(Path(folder))
        sealed = signing.sealed(letter())
        large = signing.sealed(enlarged(letter(), os.urandom(LARGE_BYTES)))
        (Path(folder) / "large.pdf").write_bytes(large)
        ours: list[float] = []
        peer: list[float] = []
        for number in range(ROUNDS):
            ours.append(each_ms(lambda: judged(sealed, signing.trust), TURNS))
            peer.append(each_ms(lambda: asyncio.run(_by_pyhanko(sealed, signing.trust)), TURNS))
            progress(f"round {number + 1}: ours {ours[-1]:.1f} ms, pyHanko {peer[-1]:.1f} ms")
        judged_apart(sealed, signing.trust)  # starts the nursery
        apart_ms = median(each_ms(lambda: judged_apart(sealed, signing.trust), TURNS) for _ in range(ROUNDS))
        large_s = median(each_ms(lambda: judged(large, signing.trust), 2) / 1000 for _ in range(ROUNDS))
        peak_mb = _peak_mb(Path(folder))
    taken_ms = median(ours)
    return Result(
        claim="a letter with two signatures is judged in at most 1.5 times the time that pyHanko takes for less",
        ours={"verify_ms": taken_ms},
        peer={"verify_ms": median(peer)},
        must=MUST,
        further={
            f"at least {LEAST_PER_S:.0f} judged each second by a process": 1000 / taken_ms >= LEAST_PER_S,
            f"at least {LEAST_PER_S:.0f} each second, each in a process of its own": 1000 / apart_ms >= LEAST_PER_S,
            f"a file of 20 MB within {MOST_LARGE_S} s": large_s <= MOST_LARGE_S,
            f"at most {MOST_MB:.0f} MB": peak_mb <= MOST_MB,
        },
        extra={
            "verified_per_s": round(1000 / taken_ms, 1),
            "apart_ms": round(apart_ms, 1),
            "large_s": large_s,
            "peak_mb": round(peak_mb, 1),
            "bytes": len(sealed),
        },
    )


def judged(data: bytes, trust: Trust) -> Verdict:
    """As the service judges an official letter."""
    verdict = verify(data, trust, policy_for(DocumentKind.OFFICIAL), expected=Expected((AGENCY,)))
    assert verdict.value is Value.VALID, verdict.summary.vi
    return verdict


def judged_apart(data: bytes, trust: Trust) -> Verdict:
    """The same in a process that is made for this one file, as files from outside are judged."""
    verdict = apart(verify, data, trust, policy_for(DocumentKind.OFFICIAL), expected=Expected((AGENCY,)))
    assert verdict.value is Value.VALID, verdict.summary.vi
    return verdict


async def _by_pyhanko(data: bytes, trust: Trust) -> None:
    context = ValidationContext(
        trust_roots=trust.roots(Purpose.PERSON),
        other_certs=list(trust.intermediates),
        crls=[crl.CertificateList.load(one) for one in trust.crls],
        revocation_mode="require",
        allow_fetching=False,
    )
    reader = PdfFileReader(io.BytesIO(data))
    for signature in reader.embedded_signatures:
        status = await async_validate_pdf_signature(signature, context)
        assert status.intact
        assert status.valid


def _peak_mb(folder: Path) -> float:
    """What a process that judges the large file takes at most."""
    command = [sys.executable, "-m", "bench.judging", str(folder), AGENCY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    value, peak = done.stdout.split()
    assert value == Value.VALID
    return float(peak)
