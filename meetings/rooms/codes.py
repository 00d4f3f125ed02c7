"""The code that stands at the door of a meeting, and the pass that a phone gets for it. Pure: times and a key in.

The code changes every minute and is good until the end of the next, so that who scans it in its last second is let in;
a picture of it that is sent on opens nothing after that. The pass gives somebody who scanned in time a while to sign
in. Neither says who somebody is: that is the sign-in's matter.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

CODE_TIME = timedelta(seconds=60)
PASS_TIME = timedelta(minutes=15)
LENGTH = 16  # characters of base 16: 64 bits, guessed within two minutes by nobody


def code_at(key: str, meeting_id: int, now: datetime) -> str:
    """The code that stands at the door now."""
    return _signed(key, f"entrance:{meeting_id}:{_step(now)}")


def is_code(key: str, meeting_id: int, code: str, now: datetime) -> bool:
    """Whether `code` stood at the door within the last minute or stands there now."""
    steps = (_step(now), _step(now) - 1)
    return any(_same(code, _signed(key, f"entrance:{meeting_id}:{step}")) for step in steps)


def changes_at(now: datetime) -> datetime:
    """When the code at the door is the next one."""
    return now + CODE_TIME - timedelta(seconds=now.timestamp() % CODE_TIME.total_seconds())


def pass_for(key: str, meeting_id: int, now: datetime) -> str:
    """What a phone keeps that scanned the code."""
    until = int((now + PASS_TIME).timestamp())
    return f"{meeting_id}.{until}.{_signed(key, f'pass:{meeting_id}:{until}')}"


def is_pass(key: str, meeting_id: int, kept: str, now: datetime) -> bool:
    """Whether a phone scanned the code of this meeting a while ago."""
    number, _, rest = kept.partition(".")
    until, _, signature = rest.partition(".")
    if not (until.isascii() and until.isdecimal() and len(until) < 12 and number == str(meeting_id)):
        return False
    return now.timestamp() <= int(until) and _same(signature, _signed(key, f"pass:{meeting_id}:{until}"))


def _step(now: datetime) -> int:
    return int(now.timestamp() // CODE_TIME.total_seconds())


def _signed(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:LENGTH]


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
