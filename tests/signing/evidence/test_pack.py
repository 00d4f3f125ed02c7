"""What a pack holds, that nothing in it can be changed unseen, and that other programs come to the same."""

import io
import json
import random
import subprocess
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import IO, cast

import pytest
from pymerkle import InmemoryTree

from kernel.db import Database
from kernel.storage.blobs import Blob
from signing.evidence import openssl
from signing.evidence.openssl import pem
from signing.evidence.pack import PaperFile, write_pack
from signing.evidence.pack_check import Checked, check_pack
from signing.evidence.pack_format import NoPack, Writer, read_form
from signing.log.evidence_log import canonical
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind
from signing.verdicts.verdict import Value
from tests.signing.conftest import Office
from tests.signing.evidence.packs import Made, by_answers, grown, spoiled, written

MAIN = "papers/01-Giay-moi-hop.pdf"


def weighty(found: Checked) -> list[str]:
    return [one.code for one in found.findings if one.weight is not Value.VALID]


@pytest.fixture(scope="module")
def unpacked(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(made.file) as pack:
        pack.extractall(folder)
    return folder


def test_a_whole_pack_is_valid_for_whoever_trusts_its_roots_and_keys(made: Made, office: Office) -> None:
    found = check_pack(made.file, office.trust, made.keys)
    assert (found.value, weighty(found)) == (Value.VALID, [])
    assert found.known_since is not None
    level = next(one for one in found.findings if one.code == "LEVEL")
    assert "B-B" in level.words.vi
    assert "nhật ký" in level.words.vi


def test_it_brings_what_another_needs_and_the_bytes_as_they_were(made: Made) -> None:
    with zipfile.ZipFile(made.file) as pack:
        assert pack.testzip() is None
        assert pack.infolist()[0].filename == "mimetype"
        names = pack.namelist()
        manifest = json.loads(pack.read("META-INF/manifest.json"))
        assert sha256(pack.read(MAIN)).hexdigest() == made.source.papers[0].blob.sha256
        assert sha256(pack.read("envelope.edxml")).hexdigest() == made.source.envelope.sha256
    kinds = {name.split("/")[0] for name in names} | {name.rpartition(".")[2] for name in names}
    assert {"signatures", "receipts", "verdicts", "log", "keys", "certificates", "revocation", "index.html"} <= kinds
    assert {"p7s", "tst", "jws", "pem"} <= kinds
    assert [one["name"] for one in manifest["papers"]] == ["Giấy mời họp.pdf", "Phụ lục 1.pdf"]
    assert manifest["level"] == "B-B"


def test_nobody_is_trusted_because_a_pack_says_so(made: Made, office: Office) -> None:
    strange = check_pack(made.file, Trust(), made.keys)
    assert strange.value is Value.UNCLEAR
    assert "PAPER" in weighty(strange)
    unknown = check_pack(made.file, office.trust, {})
    assert (unknown.value, weighty(unknown)) == (Value.UNCLEAR, ["KEY_UNKNOWN"])
    other = {kid: {**jwk, "x": jwk["y"]} for kid, jwk in made.keys.items()}
    assert check_pack(made.file, office.trust, other).value is Value.INVALID


def test_a_thousand_changes_of_one_bit_are_all_found(made: Made, office: Office) -> None:
    chance = random.Random(20_260_302)
    data = bytearray(made.data)
    last = len(data) - 2_000
    places = [chance.randrange(len(data) * 8) for _ in range(800)]
    places += [chance.randrange(last * 8, len(data) * 8) for _ in range(200)]  # manifest, signature, directory
    missed = []
    for place in places:
        data[place >> 3] ^= 1 << (place & 7)
        try:
            if check_pack(made.other_file(bytes(data)), office.trust, made.keys).value is not Value.INVALID:
                missed.append(place)
        finally:
            data[place >> 3] ^= 1 << (place & 7)
    assert missed == []


def test_what_is_added_cut_off_or_written_otherwise_is_found(made: Made, tmp_path: Path) -> None:
    with zipfile.ZipFile(made.file) as pack, zipfile.ZipFile(tmp_path / "again.zip", "w") as again:
        for name in pack.namelist():
            again.writestr(name, pack.read(name))
    for data in (made.data + b"\0", made.data[:-1], b"\0" + made.data, b"", (tmp_path / "again.zip").read_bytes()):
        with pytest.raises(NoPack):
            read_form(made.other_file(data))


def test_a_pack_that_was_signed_anew_needs_a_known_key(made: Made, office: Office) -> None:
    """Somebody who changes a file and makes a manifest of their own has to sign it with a key that nobody knows."""
    from joserfc.jwk import ECKey

    from signing.log.receipts import SigningKey

    mine = SigningKey(ECKey.generate_key("P-256", private=True))
    forged = made.other(key=mine, keys={"keys": [*made.source.keys["keys"], mine.jwk]})
    found = check_pack(forged.file, office.trust, made.keys)
    assert (found.value, weighty(found)) == (Value.UNCLEAR, ["KEY_UNKNOWN"])


@pytest.mark.long_proof
def test_right_hashes_and_a_right_manifest_do_not_make_false_evidence_true(
    made: Made, office: Office, own_db: Database
) -> None:
    for what, (pack, code, _) in spoiled(made, office, own_db).items():
        found = check_pack(pack.file, office.trust, made.keys)
        assert (found.value, code in weighty(found)) == (Value.INVALID, True), (what, weighty(found))


@pytest.mark.long_proof
@pytest.mark.parametrize("msgid", ["{x:>999999999999}", "{0}", "{x.__class__}", "{", "{missing}"])
def test_sentences_of_a_pack_are_text_and_no_patterns(made: Made, office: Office, msgid: str) -> None:
    kept = json.loads(made.source.verdicts[0][1])
    said = {"msgid": msgid, "params": {"x": ""}}
    told = canonical({**kept, "value": "unclear", "summary": said, "summary_vi": "Chưa rõ {x}"})
    found = check_pack(made.other(verdicts=((0, told), made.source.verdicts[1])).file, office.trust, made.keys)
    (sentence,) = (one.words for one in found.findings if one.code == "VERDICT_KEPT")
    assert sentence.vi.endswith(": Chưa rõ {x}")
    assert sentence.en.endswith(": Chưa rõ {x}")


@pytest.mark.long_proof
def test_the_archived_file_is_there_beside_the_original(made: Made, office: Office, tmp_path: Path) -> None:
    pack = grown(made, office)
    found = check_pack(pack.file, office.trust, made.keys)
    assert (found.value, weighty(found)) == (Value.VALID, [])
    assert [one.level.value for one in found.verdicts[0][1].signers] == ["B-T", "B-T"]
    with zipfile.ZipFile(pack.file) as opened:
        opened.extractall(tmp_path)
    assert (tmp_path / "kept/01-Giay-moi-hop.pdf").read_bytes().startswith((tmp_path / MAIN).read_bytes())
    done = _sh(tmp_path)
    assert (done.returncode, done.stdout.count("SAI")) == (0, 0), done.stdout
    assert "DauThoiGian" in done.stdout


@pytest.mark.long_proof
def test_what_authorities_said_lies_in_the_pack(made: Made, office: Office, tmp_path: Path) -> None:
    """Whoever checks needs roots and keys only; lists and answers are signed by the authorities themselves."""
    roots_only = replace(office.trust, crls=(), ocsps=(), intermediates=())
    assert check_pack(made.file, roots_only, made.keys).value is Value.VALID
    silent = made.other(trust=replace(office.trust, crls=(), ocsps=()))
    assert check_pack(silent.file, roots_only, made.keys).value is Value.UNCLEAR
    with zipfile.ZipFile(by_answers(made, office).file) as opened:
        names = [name for name in opened.namelist() if name.startswith("revocation/")]
        opened.extractall(tmp_path)
    assert {name.rpartition(".")[2] for name in names} == {"ocsp", "pem"}
    done = _sh(tmp_path)
    assert (done.returncode, done.stdout.count("SAI")) == (0, 0), done.stdout


def test_what_has_no_number_in_the_log_yet_is_said(made: Made, office: Office) -> None:
    none = replace(made.source.proved, proofs={}, heads=(), waiting=frozenset(made.source.proved.proofs))
    found = check_pack(made.other(proved=none).file, office.trust, made.keys)
    assert (found.value, set(weighty(found))) == (Value.UNCLEAR, {"NOT_IN_LOG"})
    assert found.known_since is None
    assert "Hãy lấy lại hồ sơ sau" in next(one for one in found.findings if one.code == "LEVEL").words.vi


def test_openssl_comes_to_the_same_with_the_commands_of_the_pack(unpacked: Path) -> None:
    done = _sh(unpacked)
    assert (done.returncode, done.stdout.count("SAI")) == (0, 0), done.stdout + done.stderr
    assert done.stdout.count("  OK") > 20
    assert "All is right." in done.stdout
    assert "CHỨNG THƯ THỬ NGHIỆM" in done.stdout  # the subject of the root, to be compared


@pytest.mark.long_proof
def test_the_script_says_what_it_has_not_checked(
    made: Made, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = made.source.proved.proofs
    waiting = replace(made.source.proved, proofs={}, heads=(), waiting=frozenset(facts))
    monkeypatch.setattr(openssl, "MAX_PROOFS", 2)
    packs = {
        "no root": (made.other(trust=Trust()), ["signatures/01-2-ConDau.p7s: ", "log/head-"], len(facts) - 2 + 2 + 1),
        "no lists": (by_answers(made, office), ["whether its certificate was revoked"], len(facts) - 2 + 2),
        "many proofs": (made, [f"{len(facts) - 2} more leaves"], len(facts) - 2),
        "no numbers": (made.other(proved=waiting), ["have no number in the log yet"], len(facts)),
        "no PDF": (
            made.other(papers=(replace(made.source.papers[0], blob=made.store.put(b"%PDF-")),), proved=waiting),
            ["not readable"],
            len(facts) - 2 + 1,
        ),
    }
    for name, (pack, told, count) in packs.items():
        folder = tmp_path / name
        with zipfile.ZipFile(made.other_file(written(pack.source, pack.store))) as opened:
            opened.extractall(folder)
        done = _sh(folder)
        left_out = [line for line in done.stdout.splitlines() if line.startswith("CHƯA KIỂM TRA / NOT CHECKED: ")]
        assert (done.returncode, "All is right" in done.stdout) == (0, False), (name, done.stdout + done.stderr)
        assert all(any(one in line for line in left_out) for one in told), (name, left_out)
        last = done.stdout.splitlines()[-1]
        assert last.endswith(f"/ What was checked is right; {count} things were not checked."), (name, last, left_out)


@pytest.mark.parametrize(
    "file", [MAIN, "envelope.edxml", "receipts/0001-submitted.jws", "log/head-*.tst", "signatures/01-2-ConDau.p7s"]
)
def test_openssl_sees_a_changed_file(unpacked: Path, file: str) -> None:
    (path,) = unpacked.glob(file)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30] + bytes([whole[-30] ^ 1]) + whole[-29:])
    try:
        done = _sh(unpacked)
    finally:
        path.write_bytes(whole)
    assert done.returncode == 1
    assert "SAI / WRONG" in done.stdout


def _sh(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "CHECK.txt"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.long_proof
def test_pyhankos_own_command_line_agrees(unpacked: Path, office: Office, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_text(pem(office.authority.root_certificate))
    code, said = _pyhanko(unpacked / MAIN, unpacked, tmp_path)
    assert (code, said.count(":INTACT:")) == (0, 2), said
    letter = (unpacked / MAIN).read_bytes()
    (tmp_path / "changed.pdf").write_bytes(letter.replace(b"15/UBND", b"16/UBND", 1))
    code, said = _pyhanko(tmp_path / "changed.pdf", unpacked, tmp_path)
    assert (code, said.count(":INVALID"), ":INTACT" in said) == (1, 2, False), said
    assert "Validation failed" in said  # and not: the program fell over


def _pyhanko(pdf: Path, unpacked: Path, folder: Path) -> tuple[int, str]:
    import sys

    command = [str(Path(sys.executable).with_name("pyhanko")), "sign", "validate", "--no-revocation-check"]
    command += ["--no-strict-syntax", "--trust", "root.pem", "--other-certs", str(unpacked / "certificates/others.pem")]
    done = subprocess.run([*command, str(pdf)], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_pymerkle_finds_the_root_of_the_signed_head_and_the_same_paths(unpacked: Path, made: Made) -> None:
    (head,) = made.source.proved.heads
    proofs = sorted(json.loads((unpacked / "log/proofs.json").read_text()), key=lambda one: int(one["number"]))
    assert [one["number"] for one in proofs] == list(range(head.size))  # this log holds nothing else
    tree = InmemoryTree(algorithm="sha256")
    for one in proofs:
        tree.append_entry(one["leaf"].encode())
    assert json.dumps(tree.get_root().hex()) in _payload(unpacked / f"log/head-{head.size}.jws")
    for one in proofs:
        assert [step.hex() for step in tree.prove_inclusion(one["number"] + 1).path[1:]] == one["path"]


def _payload(path: Path) -> str:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(path.read_text().split(".")[1] + "==").decode()


def test_names_that_would_lead_out_of_the_folder_are_none(tmp_path: Path) -> None:
    with (tmp_path / "pack").open("w+b") as target:
        writer = Writer(target)
        for name in ("../a", "/a", "a/../b", "a//b", "", "a\\b", "ă", ".a", "mimetype"):
            with pytest.raises(ValueError, match="no name"):
                writer.add(name, [b""])


def test_a_large_file_goes_through_in_pieces(made: Made, office: Office) -> None:
    """Writing and checking a pack take as much memory for a file of 60 MB as for one of 60 kB."""
    import tempfile
    import tracemalloc

    size = 60_000_000
    digest = sha256(bytes(size)).hexdigest()
    large = PaperFile("so lieu.bin", "application/octet-stream", "attachment", DocumentKind.FOREIGN, Blob(digest, size))
    source = replace(made.source, papers=(made.source.papers[0], large))

    def open_(name: str) -> IO[bytes]:
        return cast(IO[bytes], Zeros(size)) if name == digest else made.store.open(name)

    with tempfile.TemporaryFile() as target:
        tracemalloc.start()
        try:
            write_pack(source, open_, target)
            read_form(target)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert target.tell() > size
    assert peak < 16_000_000


class Zeros(io.RawIOBase):
    """A file of so many zeros that lies nowhere."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        given = min(size, self._left)
        self._left -= given
        return bytes(given)
