"""Who writes and signs the papers, legitimate and forged: the test authority and its time-stamps."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper

from signing.keys.keystore import FileKeyStore
from signing.pdf.pades import FIELD_PERSON, FIELD_SEAL, add_timestamp, sign_field, sign_person, sign_seal
from signing.pdf.timestamps import LocalTimeStamps
from signing.testca.specimens import handwriting, seal
from signing.verification.long_term import look_into
from tests.signing import forgeries
from tests.signing.conftest import CITY, Office
from tests.signing.forgery.papers import Paper, sign_as_others

Edit = Callable[[bytes], bytes]


@dataclass
class Scribe:
    """Signs papers once and keeps them, so that many forgeries are made of each."""

    office: Office
    _kept: dict[str, tuple[bytes, ...]] = field(default_factory=dict)

    def stages(self, paper: Paper) -> tuple[bytes, ...]:
        """The paper unsigned, and after each of its steps; the last one is what people receive."""
        if paper.name not in self._kept:
            made = [paper.make()]
            for step in paper.steps:
                made.append(self.step(step, made[-1], paper))
            self._kept[paper.name] = tuple(made)
        return self._kept[paper.name]

    def finished(self, paper: Paper, data: bytes, done: int = 0) -> bytes:
        """What becomes of these bytes when the steps that follow the first `done` ones are taken with them, by
        programs that look at nothing: the product's own refuse to sign much of what is in this folder."""
        for step in paper.steps[done:]:
            data = CARELESS.get(step, STEPS[step])(self, data, paper)
        return data

    def step(self, name: str, data: bytes, paper: Paper) -> bytes:
        """One step in the life of a paper."""
        return STEPS[name](self, data, paper)

    @property
    def stamps(self) -> LocalTimeStamps:
        """The authority's time-stamps, which everybody can have."""
        return LocalTimeStamps(self.office.authority.time_stamp_key())

    @property
    def attacker(self) -> FileKeyStore:
        """A key with a good certificate of somebody who must not change what others have signed."""
        return self.office.keys["thu"]


def _person(scribe: Scribe, data: bytes, paper: Paper) -> bytes:
    return sign_person(data, scribe.office.binh, anchor=paper.anchor(), image=handwriting("Nguyễn Thanh Bình"))


def _hidden(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return sign_person(data, scribe.office.binh)


def _seal(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return sign_seal(data, scribe.office.seal, image=seal(CITY))


def _foreign(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return sign_as_others(data, scribe.office.binh, "Signature1")


def _certified(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return sign_as_others(data, scribe.office.binh, "Signature1", certify=True)


def _sealed_elsewhere(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return sign_as_others(data, scribe.office.seal, FIELD_SEAL, box=(230, 180, 330, 280))


def _signed_elsewhere(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return sign_as_others(data, scribe.office.binh, FIELD_PERSON)


def _colleague_elsewhere(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return sign_as_others(data, scribe.office.keys["thu"], "Signature2", box=(300, 300, 480, 340))


def stamped(data: bytes, stamps: LocalTimeStamps, name: str | None = None) -> bytes:
    """One more document time-stamp, in the field of this name."""
    writer, out = IncrementalPdfFileWriter(BytesIO(data), strict=False), BytesIO()
    asyncio.run(PdfTimeStamper(stamps, field_name=name).async_timestamp_pdf(writer, "sha256", output=out))
    return out.getvalue()


def _stamped_elsewhere(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return stamped(data, scribe.stamps)


def _colleague(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return sign_field(data, scribe.office.keys["thu"], "Signature2")


def _stamp(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return add_timestamp(data, scribe.stamps)


def _archive(scribe: Scribe, data: bytes, _: Paper) -> bytes:
    return data + look_into(data, scribe.office.trust).added


def _number(_: Scribe, data: bytes, __: Paper) -> bytes:
    return forgeries.fill(forgeries.fill(data, forgeries.NUMBER, "15"), forgeries.DAY, "02/03/2026")


STEPS: dict[str, Callable[[Scribe, bytes, Paper], bytes]] = {
    "person": _person,
    "hidden": _hidden,
    "seal": _seal,
    "foreign": _foreign,
    "certified": _certified,
    "colleague": _colleague,
    "stamp": _stamp,
    "archive": _archive,
    "number": _number,
}

CARELESS: dict[str, Callable[[Scribe, bytes, Paper], bytes]] = {
    "person": _signed_elsewhere,
    "hidden": _signed_elsewhere,
    "seal": _sealed_elsewhere,
    "colleague": _colleague_elsewhere,
    "stamp": _stamped_elsewhere,
    "archive": lambda _, data, __: data,
}
"""What other programs than ours do in the place of these steps."""
