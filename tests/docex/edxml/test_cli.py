"""`lienthong edxml check` and `show`, as a person at a desk or a script uses them."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from docex.edxml import Message, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Trace
from docex.edxml.relay import with_trace
from docex.edxml.xmldsig.sealing import signed
from tests.docex.edxml import letters
from tests.docex.edxml.keys import key
from web.cli import main

HOSTILE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["edxml", *map(str, words)])


def saved(folder: Path, name: str, message: Message | bytes) -> Path:
    path = folder / name
    path.write_bytes(message if isinstance(message, bytes) else write(message))
    return path


def test_check_says_what_the_signature_of_an_envelope_is_worth(tmp_path: Path) -> None:
    sealed = write(signed(letters.letter(), key().certificate, key().sign))
    fits = "it fits the envelope; the certificate is not judged here (+ 001.TT)"
    for data, said in (
        (with_trace(sealed, Trace("001.TT", letters.AT)), fits),
        (sealed.replace("Triển".encode(), b"Trien", 1), "it does NOT fit: the envelope was changed after signing"),
        (write(letters.letter(signature=letters.signature())), "WRONG: it refers to something"),
    ):
        done = run("check", saved(tmp_path, "a.edxml", data))
        assert done.exit_code == 0
        assert said in done.output


def test_check_says_what_it_read_in_both_languages(tmp_path: Path) -> None:
    papers = (letters.attachment("công văn.pdf"),)
    done = run("check", saved(tmp_path, "a.edxml", letters.letter(attachments=papers)))
    assert done.exit_code == 0, done.output
    for said in (
        "Văn bản mới / New document",
        "Số, ký hiệu / Number and notation: 12/VP-HC, 02/03/2026",
        "Trích yếu / Subject: Triển khai liên thông văn bản điện tử",
        "Khẩn / Urgent",
        "H99.30.2 UBND phường Bến Cát",
        "000.00.01.H99 (02/03/2026 09:15:00) → 001.00.20.TT2 (02/03/2026 09:20:00)",
        "Chữ ký phong bì / Envelope signature: không có / none",
        f"công văn.pdf (application/pdf, {len(letters.PDF)} B)",
    ):
        assert said in done.output


def test_check_says_what_a_recall_and_a_status_want(tmp_path: Path) -> None:
    recall = saved(tmp_path, "r.edxml", letters.recall())
    status = saved(tmp_path, "s.edxml", letters.status(StatusCode.REFUSED))
    done = run("check", recall, status)
    assert done.exit_code == 0
    assert "Thu hồi văn bản / Recall" in done.output
    assert "Sai thể thức" in done.output
    assert "02 Từ chối tiếp nhận / Refused" in done.output
    assert "Lý do: gửi nhầm đơn vị" in done.output


def test_check_shows_the_notes_of_a_dirty_file(tmp_path: Path) -> None:
    done = run("check", saved(tmp_path, "d.edxml", b"1212" + write(letters.letter())))
    assert done.exit_code == 0
    assert "[junk_before]" in done.output
    assert "stray characters" in done.output


def test_one_refused_file_among_good_ones_gives_a_reason_and_exit_code_1(tmp_path: Path) -> None:
    good = saved(tmp_path, "good.edxml", letters.letter())
    bad = saved(tmp_path, "bad.edxml", HOSTILE)
    done = run("check", bad, good, tmp_path / "absent.edxml")
    assert done.exit_code == 1
    assert f"✔ {good}" in done.output
    assert f"✘ {bad} [doctype]" in done.output
    assert "vì an toàn, tệp không được đọc." in done.output
    assert "for safety it was not read." in done.output
    assert "absent.edxml [unreadable]" in done.output
    assert "Traceback" not in done.output


def test_check_reads_no_more_than_the_limit(tmp_path: Path) -> None:
    done = run("check", "--max-mb", "1", saved(tmp_path, "big.edxml", b"<a>" + b" " * 2_000_000 + b"</a>"))
    assert done.exit_code == 1
    assert "[too_large]" in done.output


def test_a_strangers_text_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = saved(tmp_path, "c.edxml", letters.letter(subject="Họp\x9b2J giao\u202eban"))
    output = run("check", path).output
    assert "\x9b" not in output
    assert "\u202e" not in output


def test_without_a_file_the_usage_is_shown() -> None:
    assert run("check").exit_code == 2


def test_show_prints_json_with_its_letters_as_they_are(tmp_path: Path) -> None:
    archive = letters.zipped(("x.unk", letters.PDF))
    message = letters.letter(attachments=(letters.attachment("biên bản.txt", archive),), signature=letters.signature())
    done = run("show", saved(tmp_path, "a.edxml", message))
    assert done.exit_code == 0
    assert "Triển khai liên thông văn bản điện tử" in done.output
    said = json.loads(done.output)
    assert said["message"] == "document"
    assert said["sender"]["code"] == letters.OFFICE.code
    assert said["promulgated_on"] == "2026-03-02"
    assert said["traces"][0]["at"] == "2026-03-02T09:15:00+07:00"
    (paper,) = said["attachments"]
    assert paper["name"] == "biên bản.txt"
    assert paper["sha256"] == hashlib.sha256(archive).hexdigest()
    assert "data" not in paper


@pytest.mark.parametrize("code", list(StatusCode))
def test_show_keeps_the_leading_zero_of_a_status(tmp_path: Path, code: StatusCode) -> None:
    said = json.loads(run("show", saved(tmp_path, "s.edxml", letters.status(code))).output)
    assert (said["message"], said["status"]) == ("status", code.value)
    assert re.fullmatch(r"\d\d", said["status"])


@pytest.mark.parametrize(("name", "code"), [("bad.edxml", "doctype"), ("absent.edxml", "unreadable")])
def test_show_of_a_refused_file_is_json_too(tmp_path: Path, name: str, code: str) -> None:
    saved(tmp_path, "bad.edxml", HOSTILE)
    done = run("show", tmp_path / name)
    assert done.exit_code == 1
    said = json.loads(done.output)
    assert said["refused"] == code
    assert said["reason"]["vi"]
    assert said["reason"]["en"] != said["reason"]["vi"]
