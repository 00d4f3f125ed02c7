"""A letter as text, changed here and there as foreign software writes it, and read."""

from docex.edxml import Envelope, Message, read, write
from tests.docex.edxml import letters

LETTER = letters.letter(attachments=(letters.attachment(),))


TEXT = write(LETTER).decode()


def envelope(text: str | bytes) -> Envelope:
    message = read(text.encode() if isinstance(text, str) else text)
    assert isinstance(message, Envelope)
    return message


def notes(message: Message) -> list[str]:
    return [note.code for note in message.notes]


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)
