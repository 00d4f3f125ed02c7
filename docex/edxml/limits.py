"""How much of a stranger's file we are willing to take in."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one reading, in bytes and counts. The national gateway takes envelopes of 50 MB."""

    file_bytes: int = 50 * MIB
    depth: int = 32
    elements: int = 20_000
    attributes: int = 64
    """Of one element."""
    tag_bytes: int = 256 * 1024
    """One tag with its attributes, one comment or one instruction: the parser holds such a piece as a whole."""
    text_bytes: int = 128 * 1024
    """The longest text of one element, attachments apart."""
    name_chars: int = 500
    """The longest id, code or number: rows are found by them, and an index holds no more than some 2,700 bytes."""
    words_bytes: int = 8 * MIB
    """All names, attributes and texts of the file together, attachments apart: this much may stand in memory."""
    attachments: int = 500
    attachment_bytes: int = 0
    """One attachment after decoding and unwrapping; 0 is 100 MiB, or more where larger files are taken in."""
    unpacked_bytes: int = 0
    """All attachments of one envelope after decoding and unwrapping; 0 is 200 MiB, or more likewise."""
    ratio: int = 200
    """Unpacked to packed, counted only above `ratio_floor`: a small text of blanks shrinks as a bomb does."""
    ratio_floor: int = 4 * MIB

    def __post_init__(self) -> None:
        """Whoever allows larger files allows larger papers in them."""
        if not self.attachment_bytes:
            object.__setattr__(self, "attachment_bytes", max(100 * MIB, 2 * self.file_bytes))
        if not self.unpacked_bytes:
            object.__setattr__(self, "unpacked_bytes", max(200 * MIB, 4 * self.file_bytes))


DEFAULT = Limits()
