"""Papers that honest programs have signed, in every way that we could find: none is invalid, and what is unclear is so
for a reason. docs/signatures.md has the table."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import pem
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter

from signing.pdf.pades import add_timestamp, sign_person, sign_seal
from signing.pdf.timestamps import LocalTimeStamps
from signing.trust.trust_store import Trust, TrustStore
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Value, Verdict
from signing.verification.file_verification import signed_revision, verify
from signing.verification.long_term import look_into
from tests.sampling import sampled
from tests.signing.conftest import Office
from tests.signing.papers import hybrid_pdf, minimal_pdf
from tests.signing.programs import Programs

Make = Callable[[Programs], bytes]

KEPT = Path(__file__).parent.parent / "legitimate"
SIGNED_ELSEWHERE = sorted(path.stem for path in KEPT.glob("*.pdf") if not path.name.startswith("base-"))
BASES: dict[str, Callable[[], bytes]] = {
    "minimal": lambda: minimal_pdf("So: 15/UBND-VP"),
    "hybrid": lambda: hybrid_pdf("So: 15/UBND-VP"),
    **{
        path.stem.removeprefix("base-"): (lambda path=path: path.read_bytes())  # type: ignore[misc]
        for path in sorted(KEPT.glob("base-*.pdf"))
    },
}
UNCLEAR = {
    "pdfbox-pades-without-attribute": {Code.LOOSE_CERTIFICATE},
    "node-signpdf-pades-without-attribute": {Code.LOOSE_CERTIFICATE},
    "libreoffice-time-stamp": {Code.TIMESTAMP_BROKEN},
    "openssl: no certificate": {Code.NO_CERTIFICATE},
    "openssl: no certificate, two": {Code.NO_CERTIFICATE},
    # Where the empty field had a picture, poppler gives that one's number to another object without freeing it before.
    "poppler: prepared fields": {Code.LENIENT_READING},
}
OLD_AND_NEW = ("minimal", "hybrid", "object-streams", "linearised")
MINIMAL = minimal_pdf("So: 15/UBND-VP")
SEVERAL = minimal_pdf("So: 15/UBND-VP", second_page="Phu luc")
CADES, CMS = SigSeedSubFilter.PADES, SigSeedSubFilter.ADOBE_PKCS7_DETACHED


def _product(base: str) -> dict[str, Make]:
    def sealed(programs: Programs) -> bytes:
        office = programs.authority
        keys = office.person_key("binh"), office.seal_key("city")
        assert keys[0] is not None
        assert keys[1] is not None
        return sign_seal(sign_person(BASES[base](), keys[0]), keys[1])

    def proven(programs: Programs) -> bytes:
        stamped = add_timestamp(sealed(programs), LocalTimeStamps(programs.authority.time_stamp_key()))
        trust = TrustStore(programs.folder / "trust", allow_test=True)
        programs.authority.enter_into(trust)
        return stamped + look_into(stamped, trust.trust()).added

    return {f"lienthong: {base}": sealed, f"lienthong: {base}, B-LT": proven}


def _openssl() -> dict[str, Make]:
    ways = {
        "plain": ("adbe.pkcs7.detached",),
        "cades": ("ETSI.CAdES.detached", "-cades"),
        "no attributes": ("adbe.pkcs7.detached", "-noattr"),
        "named by key": ("adbe.pkcs7.detached", "-keyid"),
        "pss": ("adbe.pkcs7.detached", "-keyopt", "rsa_padding_mode:pss"),
        "sha-512": ("ETSI.CAdES.detached", "-cades", "-md", "sha512"),
        "no certificate": ("adbe.pkcs7.detached", "-nocerts"),
    }
    made: dict[str, Make] = {}
    for name, (subfilter, *options) in ways.items():

        def once(programs: Programs, subfilter: str = subfilter, options: list[str] = options) -> bytes:
            return programs.openssl(MINIMAL, "binh", *options, subfilter=subfilter)

        def twice(programs: Programs, subfilter: str = subfilter, options: list[str] = options) -> bytes:
            first = programs.openssl(MINIMAL, "binh", *options, subfilter=subfilter)
            return programs.openssl(first, "city", *options, subfilter=subfilter)

        made |= {f"openssl: {name}": once, f"openssl: {name}, two": twice}
    return made


def _poppler(base: str) -> dict[str, Make]:
    return {
        f"poppler: {base}": lambda programs: programs.poppler(BASES[base](), "binh"),
        f"poppler: {base}, two": lambda programs: programs.poppler(programs.poppler(BASES[base](), "binh"), "city"),
    }


def _prepared(programs: Programs, *, visible: bool) -> bytes:
    pdf = programs.prepared(MINIMAL, "KyTen", "Dau", visible=visible)
    return programs.poppler(programs.poppler(pdf, "binh", "-sign", "KyTen"), "city", "-sign", "Dau")


def _pyhanko() -> dict[str, Make]:
    box = (60, 100, 240, 160)

    def two(first: dict[str, object], second: dict[str, object], base: str = "minimal") -> Make:
        def make(programs: Programs) -> bytes:
            return programs.pyhanko(
                programs.pyhanko(BASES[base](), "binh", "KyTen", **first),  # type: ignore[arg-type]
                "city",
                "Dau",
                **second,  # type: ignore[arg-type]
            )

        return make

    def locked(programs: Programs) -> bytes:
        pdf = programs.prepared(MINIMAL, "KyTen", "Dau", lock=True)
        return programs.pyhanko(programs.pyhanko(pdf, "binh", "KyTen"), "city", "Dau")

    def three(programs: Programs) -> bytes:
        pdf = programs.pyhanko(SEVERAL, "binh", "Mot", box=box)
        pdf = programs.pyhanko(pdf, "thu", "Hai", box=(300, 100, 480, 160), page=1)
        return programs.pyhanko(pdf, "city", "Ba", box=(300, 300, 480, 360))

    lta: dict[str, object] = {"use_pades_lta": True, "embed_validation_info": True}
    made: dict[str, Make] = {
        "pyhanko: cms": two({"subfilter": CMS}, {"subfilter": CMS}),
        "pyhanko: visible": two({"box": box}, {"box": (300, 100, 480, 160)}),
        "pyhanko: locked fields": locked,
        "pyhanko: three signers": three,
        "pyhanko: renewed": lambda programs: programs.pyhanko_stamped(two({}, lta)(programs)),
        "pyhanko: no changes (DocMDP 1)": lambda programs: programs.pyhanko(
            MINIMAL, "binh", "KyTen", certify=True, docmdp_permissions=MDPPerm.NO_CHANGES
        ),
    }
    for level in (MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE):
        name = f"pyhanko: certified (DocMDP {level.value})"
        made[name] = two({"certify": True, "docmdp_permissions": level}, {})
    for base in BASES:
        made[f"pyhanko: {base}, B-B"] = two({}, {}, base)
        made[f"pyhanko: {base}, B-T"] = two({}, {"stamped": True}, base)
        made[f"pyhanko: {base}, B-LT"] = two({}, {"stamped": True, "embed_validation_info": True}, base)
        made[f"pyhanko: {base}, B-LTA"] = two({}, lta, base)
    return made


def _commands() -> dict[str, Make]:
    def sealed(programs: Programs) -> bytes:
        first = programs.pyhanko_command(MINIMAL, "binh", "--field", "KyTen", "--use-pades")
        return programs.pyhanko_command(first, "city", "--field", "1/300,300,480,360/Dau", "--use-pades")

    def certified(programs: Programs) -> bytes:
        return programs.pyhanko_command(MINIMAL, "binh", "--field", "KyTen", "--certify", "--prefer-pss")

    return {"pyhanko command: two": sealed, "pyhanko command: certified, pss": certified}


MADE_HERE: dict[str, Make] = {
    **{name: make for base in BASES for name, make in _product(base).items()},
    **_openssl(),
    **{
        name: make
        for base in ("minimal", "hybrid", "object-streams", "linearised")
        for name, make in _poppler(base).items()
    },
    "poppler: prepared fields": lambda programs: _prepared(programs, visible=True),
    "poppler: prepared fields without a picture": lambda programs: _prepared(programs, visible=False),
    **_pyhanko(),
    **_commands(),
}


def _as_it_should_be(name: str, verdict: Verdict) -> None:
    if name in UNCLEAR:
        grave = {one.code for one in verdict.reasons if one.weight in (Value.UNCLEAR, Value.INVALID)}
        assert (verdict.value, grave) == (Value.UNCLEAR, UNCLEAR[name])
    else:
        assert verdict.value is Value.VALID, (name, verdict.summary.vi)


@pytest.mark.parametrize("name", sampled(MADE_HERE, one_in=13))
def test_what_programs_sign_here_is_valid(office: Office, programs: Programs, name: str) -> None:
    pdf = MADE_HERE[name](programs)
    verdict = office.verify(pdf, DocumentKind.FOREIGN, agency="")
    assert verdict.signers
    _as_it_should_be(name, verdict)
    if len(verdict.signers) > 1:  # a person and a seal: so it is for anybody who asks, and for an agency
        assert office.verify(pdf, DocumentKind.PUBLIC, agency="").value is verdict.value
    if verdict.value is Value.VALID and len(verdict.signers) > 1:
        assert office.verify(pdf, DocumentKind.OFFICIAL).value is Value.VALID


@pytest.mark.parametrize("name", sampled(SIGNED_ELSEWHERE, one_in=4))
def test_what_programs_have_signed_elsewhere_is_valid_and_was_at_each_signature(kept_trust: Trust, name: str) -> None:
    pdf = (KEPT / f"{name}.pdf").read_bytes()
    made = datetime.fromisoformat((KEPT / "made").read_text().strip()) + timedelta(hours=12)
    verdict = verify(pdf, kept_trust, policy_for(DocumentKind.FOREIGN), at=made)
    assert verdict.signers
    _as_it_should_be(name, verdict)
    for signer in verdict.signers:
        then = verify(signed_revision(pdf, signer), kept_trust, policy_for(DocumentKind.FOREIGN), at=made)
        _as_it_should_be(name, then)


def test_the_corpus_is_of_many_programs_and_few_of_its_files_are_unclear() -> None:
    tools = Counter(name.partition(":")[0] for name in MADE_HERE)
    tools += Counter(name.partition("-")[0] for name in SIGNED_ELSEWHERE)
    assert {"lienthong", "pyhanko", "openssl", "poppler", "pdfbox", "itext", "node", "endesive", "libreoffice"} <= set(
        tools
    )
    assert sum(tools.values()) >= 100
    assert len(UNCLEAR) <= 6
    assert set(UNCLEAR) <= set(MADE_HERE) | set(SIGNED_ELSEWHERE)


def test_no_key_lies_with_the_files() -> None:
    for path in KEPT.glob("*.pem"):
        assert [kind for kind, _, _ in pem.unarmor(path.read_bytes(), multiple=True)] == ["CERTIFICATE"]
