"""Agency identifier codes, checked leniently: real registers hold forms that no rule foresaw."""

import re
from dataclasses import dataclass
from enum import StrEnum

from kernel.text import Phrase, one_line, phrase

MAX_LENGTH = 35  # QĐ 20/2020/QĐ-TTg, article 4

_NEW = re.compile(r"[A-Z][0-9]{2}(\.[0-9A-Z]{1,4}){0,8}")
_OLD = re.compile(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}")
_POSSIBLE = re.compile(r"[0-9A-Z]+([.\-_][0-9A-Z]+)*")


class Form(StrEnum):
    """Which rule a code follows."""

    NEW = "new"  # QĐ 20/2020/QĐ-TTg: `H29.01`, level 1 leftmost
    OLD = "old"  # QCVN 102:2016: `000.00.01.H29`, level 1 rightmost
    OTHER = "other"  # neither, but seen in real registers: `28.22.H17`, `VXP.SAAS.03`


@dataclass(frozen=True)
class Verdict:
    """`problem` forbids the code; `warning` only asks for a second look."""

    code: str
    form: Form
    problem: Phrase | None = None
    warning: Phrase | None = None


def normal(code: str) -> str:
    """The form in which codes are kept and compared."""
    return one_line(code).upper()


def check(text: str) -> Verdict:
    """Whether a code that somebody typed has one of the known forms."""
    code = normal(text)
    if not code:
        return Verdict(code, Form.OTHER, problem=phrase("Cần nhập mã định danh."))
    if len(code) > MAX_LENGTH:
        return Verdict(code, Form.OTHER, problem=phrase("Mã định danh dài quá {limit} ký tự.", limit=MAX_LENGTH))
    if _OLD.fullmatch(code):
        return Verdict(code, Form.OLD)
    if _NEW.fullmatch(code):
        return Verdict(code, Form.NEW)
    if not _POSSIBLE.fullmatch(code):
        return Verdict(code, Form.OTHER, problem=phrase("Mã định danh chỉ gồm chữ A–Z không dấu, chữ số và dấu chấm."))
    return Verdict(
        code,
        Form.OTHER,
        warning=phrase("Mã {code} không theo mẫu thường gặp, xin kiểm tra lại.", code=code),
    )
