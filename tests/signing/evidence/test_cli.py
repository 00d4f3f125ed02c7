"""`lienthong verify`, as somebody runs it who has a file and no database."""

import io
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kernel import clock
from kernel.config import Config
from signing.evidence.cli import verify
from signing.evidence.pack import KEYS, MANIFEST
from signing.evidence.pack_format import Writer
from signing.log.evidence_log import canonical
from signing.log.receipts import SigningKey
from signing.pdf.pades import sign_person
from signing.testca.authority import TestAuthority
from signing.testca.specimens import handwriting
from signing.trust.revocation_info import read_list
from signing.verification.context import Expected
from tests.signing import attacks
from tests.signing.conftest import ANCHOR, CITY, Office
from tests.signing.evidence.packs import Made
from tests.signing.papers import minimal_pdf

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, made: Made, office: Office) -> Run:
    """The command on a file; `trust` and `keys` of the office are given unless told otherwise."""
    config = Config(data_dir=tmp_path / "nothing")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": list(made.keys.values())}))

    def go(data: bytes, *more: str, trust: bool = True, keys: bool = True) -> Result:
        file = tmp_path / "file"
        file.write_bytes(data)
        given = ["--trust", str(office.store.folder)] if trust else []
        given += ["--keys", str(tmp_path / "keys.json")] if keys else []
        return CliRunner().invoke(verify, [str(file), *given, *more], obj=config, catch_exceptions=False)

    return go


def test_a_good_pack_a_changed_one_and_one_of_somebody_unknown(run: Run, made: Made) -> None:
    good = run(made.data)
    assert (good.exit_code, good.stdout.splitlines()[0]) == (0, "HỢP LỆ")
    assert run(made.data, "--lang", "en").stdout.startswith("VALID\n")
    changed = run(made.data[:5000] + bytes([made.data[5000] ^ 8]) + made.data[5001:])
    assert (changed.exit_code, changed.stdout.splitlines()[0]) == (1, "KHÔNG HỢP LỆ")
    assert run(made.data, trust=False).exit_code == 2
    unknown = run(made.data, keys=False)
    assert unknown.exit_code == 2
    assert "/api/v1/keys" in unknown.stdout


def test_the_result_as_json(run: Run, made: Made) -> None:
    told = json.loads(run(made.data, "--json").stdout)
    assert (told["kind"], told["value"], told["document"]["code"]) == ("pack", "valid", "15/UBND-VP")
    assert told["known_since"]
    assert [one["value"] for one in told["papers"]] == ["valid", "unclear"]  # nobody signed the attachment
    assert {one["weight"] for one in told["findings"]} == {"valid"}


@pytest.mark.long_proof
@pytest.mark.parametrize(("value", "code"), [("invalid", 1), ("unclear", 2)])
def test_what_the_installation_judged_of_a_paper_weighs(run: Run, made: Made, value: str, code: int) -> None:
    kept = json.loads(made.source.verdicts[0][1])
    doubted = made.other(verdicts=((0, canonical({**kept, "value": value})),))
    told = run(doubted.data, "--json")
    assert (told.exit_code, json.loads(told.stdout)["value"]) == (code, value)
    assert "VERDICT_KEPT" in {one["code"] for one in json.loads(told.stdout)["findings"] if one["weight"] == value}
    # A later verdict is the one that counts.
    later = made.other(verdicts=(*doubted.source.verdicts, made.source.verdicts[0]))
    assert "VERDICT_KEPT" not in run(later.data, "--json").stdout


def test_one_who_signed_for_another_without_a_decision_is_found_by_the_command(run: Run, made: Made) -> None:
    signer = Expected((CITY,), "Nguyễn Thanh Bình", "", "KT. CHỦ TỊCH", delegated=False)
    told = json.loads(run(made.other(expected=signer).data, "--json").stdout)
    assert told["value"] == "invalid"
    assert "NOT_DELEGATED" in {one["code"] for one in told["papers"][0]["reasons"]}


def test_a_key_that_the_reader_has_compared_is_named_by_its_fingerprint(run: Run, made: Made) -> None:
    assert run(made.data, "--keys", made.source.key.kid, keys=False).exit_code == 0
    assert run(made.data, "--keys", "somebody-else", keys=False).exit_code == 2
    # A key that only calls itself so is another key.
    from joserfc.jwk import ECKey

    mine = SigningKey(ECKey.generate_key("P-256", private=True))
    mine.jwk["kid"] = mine.kid = "a-name"
    forged = made.other(key=mine, keys={"keys": [*made.source.keys["keys"], mine.jwk]})
    assert run(forged.data, "--keys", made.source.key.kid, "--keys", "a-name", keys=False).exit_code == 2


def test_a_signed_pdf(run: Run, made: Made) -> None:
    letter = made.store[made.source.papers[0].blob.sha256]
    good = run(letter, "--kind", "official")
    assert (good.exit_code, "CHỨNG THƯ THỬ NGHIỆM" in good.stdout) == (0, True)
    assert run(letter.replace(b"15/UBND", b"16/UBND", 1)).exit_code == 1
    assert run(letter, trust=False).exit_code == 2
    assert run(b"anything at all").exit_code == 2
    told = json.loads(run(letter, "--json").stdout)
    assert (told["kind"], told["value"], len(told["signers"])) == ("paper", "valid", 2)


def test_trust_out_of_a_folder_of_certificates(run: Run, made: Made, office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "roots"
    folder.mkdir()
    (folder / "root.crt").write_bytes(office.authority.root_certificate)
    assert run(made.data, "--trust", str(folder), trust=False).exit_code == 0
    (folder / "broken.pem").write_text("no certificate")
    refused = run(made.data, "--trust", str(folder), trust=False)
    assert (refused.exit_code, "broken.pem" in refused.stderr) == (2, True)


@pytest.mark.long_proof
def test_a_pack_whose_lists_have_ended_is_unclear_and_says_what_to_do(
    run: Run, made: Made, office: Office, tmp_path: Path
) -> None:
    ends = min(one.ends_at for one in map(read_list, office.trust.crls) if one is not None and one.ends_at is not None)
    with clock.frozen(ends + timedelta(days=2)):
        old = run(made.data, "--json")
        told = json.loads(old.stdout)
        assert (old.exit_code, told["value"], told["known_since"]) == (2, "unclear", None)
        assert "invalid" not in {one["weight"] for one in told["findings"]}
        (why,) = [one for one in told["findings"] if one["code"] == "ANSWERS_ENDED"]
        assert ends.astimezone(clock.VN).strftime("%d/%m/%Y") in why["vi"]
        then = made.source.at.isoformat(timespec="seconds")
        assert f"--at {then}" in why["vi"]
        assert f"--at {then}" in why["en"]
        assert run(made.data, "--at", then).exit_code == 0
        assert "ANSWERS_ENDED" not in run(made.data, "--at", then, "--json").stdout

        shutil.copytree(office.authority.folder, tmp_path / "authority")  # its lists of today are not for other tests
        folder = tmp_path / "roots"
        folder.mkdir()
        (folder / "root.crt").write_bytes(office.authority.root_certificate)
        for number, fresh in enumerate(TestAuthority(tmp_path / "authority").crls()):
            (folder / f"{number}.crl").write_bytes(fresh)
        again = run(made.data, "--trust", str(folder), "--json", trust=False)
        assert (again.exit_code, "ANSWERS_ENDED" in again.stdout) == (0, False)


@pytest.mark.parametrize("wrong", [["--at", "yesterday"], ["--at", "2026-03-02T10:00:00"], ["--kind", "poem"]])
def test_what_cannot_be_understood_is_not_valid(run: Run, made: Made, wrong: list[str]) -> None:
    assert run(made.data, *wrong).exit_code == 2


def test_names_out_of_files_do_not_steer_the_terminal(run: Run, made: Made) -> None:
    paper = made.source.papers[0]
    pack = made.other(issuer="https://x\x1b[2J.vn", papers=(paper,))
    said = run(pack.data, keys=False)
    assert "\x1b" not in said.stdout


def test_a_manifest_that_nobody_can_read_is_invalid_and_no_traceback(run: Run) -> None:
    for name, text in ((MANIFEST, "[" * 200_000), (MANIFEST, "7"), (KEYS, "[" * 200_000)):
        out = io.BytesIO()
        pack = Writer(out)
        pack.add(name, [text.encode()])
        pack.close()
        for more in ([], ["--keys", "a-fingerprint"]):
            done = run(out.getvalue(), *more)
            assert (done.exit_code, done.stdout.splitlines()[0]) == (1, "KHÔNG HỢP LỆ")


@pytest.mark.parametrize("failure", [OSError(5, "the disk"), MemoryError(), RecursionError(), KeyboardInterrupt()])
def test_a_failure_of_our_own_is_no_judgement(
    run: Run, made: Made, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def fails(*given: object, **more: object) -> None:
        raise failure

    monkeypatch.setattr("signing.evidence.pack_check.check_pack", fails)
    done = run(made.data, "--lang", "en")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "could not be finished" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long_proof
def test_what_was_changed_is_written_as_pictures(run: Run, office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    signed = sign_person(minimal_pdf("15 trieu dong"), office.binh, anchor=ANCHOR, image=handwriting("Bình"))
    assert run(signed, "--kind", "person_only", "--pictures", str(folder)).exit_code == 0
    assert not folder.exists()
    told = run(attacks.cover_with_an_annotation(signed), "--pictures", str(folder))
    assert told.exit_code == 1
    (picture,) = folder.iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"Trang 1 khác bản đã ký (trên cùng ở giữa): {picture}" in told.stdout
    as_json = run(attacks.cover_with_an_annotation(signed), "--pictures", str(folder), "--json", "--lang", "en")
    assert json.loads(as_json.stdout)["value"] == "invalid"
    assert "Page 1 differs" in as_json.stderr
