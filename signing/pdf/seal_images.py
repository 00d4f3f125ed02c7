"""The pictures of real seals: PNG files that the operator of an installation puts into a folder, `seal-H29.01.png` for
the agency with that code. A trial draws specimens instead (`signing.testca.specimens`).

A person's signature is no matter of ours: it is made by the person's own device, which draws its picture, too.
"""

from pathlib import Path

from kernel.config import Config
from kernel.errors import Invalid
from kernel.text import Phrase, phrase
from signing.pdf.stamps import read_image

MAX_BYTES = 2_000_000
LEAST_SIDE = 210
"""Pixels: 36 mm, the real size, at 150 dpi. Twice as many are better."""
_ROUND = 1.05

UNREADABLE = phrase("Không đọc được tệp ảnh con dấu {file}.")
NO_PNG = phrase("Tệp {file} không phải là ảnh PNG, hoặc lớn quá {bytes} byte hay quá nhiều điểm ảnh.")
TOO_SMALL = phrase("Ảnh con dấu {file} nhỏ quá: mỗi cạnh cần ít nhất {least} điểm ảnh.")
NOT_SQUARE = phrase("Ảnh con dấu {file} phải vuông, cắt sát vành dấu.")
NOT_TRANSPARENT = phrase("Ảnh con dấu {file} phải có nền trong suốt, nếu không sẽ che mất chữ ký.")


def seal_file(config: Config, agency_code: str) -> Path:
    """Where the picture of this agency's seal has to lie."""
    return config.stamps_folder / f"seal-{agency_code.upper()}.png"


def seal_picture(config: Config, agency_code: str) -> bytes | None:
    """The PNG of this agency's seal; None when there is none. Invalid says what is wrong with it: a paper that was
    sealed with a bad picture cannot be sealed again."""
    path = seal_file(config, agency_code)
    try:
        png = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except FileNotFoundError:
        return None
    except OSError:
        raise _wrong(UNREADABLE, path) from None
    _check(png, path)
    return png


def _check(png: bytes, path: Path) -> None:
    try:
        image = read_image(png)
    except Invalid:
        raise _wrong(NO_PNG, path, bytes=MAX_BYTES) from None
    short, long = sorted((image.width, image.height))
    if short < LEAST_SIDE:
        raise _wrong(TOO_SMALL, path, least=LEAST_SIDE)
    if long > short * _ROUND:
        raise _wrong(NOT_SQUARE, path)
    if image.getpixel((0, 0))[3] or image.getpixel((image.width - 1, image.height - 1))[3]:  # type: ignore[index]
        raise _wrong(NOT_TRANSPARENT, path)


def _wrong(why: Phrase, path: Path, **more: object) -> Invalid:
    said = phrase(why.msgid, file=path.name, **more)
    return Invalid({"image": said}, said)
