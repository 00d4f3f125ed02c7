"""Passwords: argon2id, the same time for known and unknown names, and what a new one must be."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kernel.text import Phrase, nfc, phrase

MIN_LENGTH = 10
MAX_LENGTH = 200

# The smaller of the two settings that OWASP calls equally strong: about 15 ms, so that a morning of
# sign-ins does not hold up the rooms that the same process serves.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# What an unknown name is compared with; nobody knows the password behind it.
_nobody = "$argon2id$v=19$m=19456,t=2,p=1$WaqiB3ASewmxity+dQ78Ow$y8ZqD9U9dOyIKaGvWxgroAD+ev+ATX4lD8jTqr1EC4A"

_COMMON = frozenset(
    (  # noqa: SIM905 - a list of words reads best as words
        "1234567890 0123456789 1111111111 0987654321 12345678910 password123 password1234 matkhau123 "
        "matkhau1234 qwertyuiop qwerty12345 iloveyou123 anhyeuem123 vietnam123 vietnam1234 abcd123456 "
        "abc1234567 admin12345 administrator 1q2w3e4r5t lienthong123 lien-thong-123"
    ).split()
)


def hashed(password: str) -> str:
    """The argon2id hash of a password, with its parameters and a fresh salt."""
    return _hasher.hash(_as_typed(password))


def matches(password_hash: str, password: str) -> bool:
    """Whether `password` is the one behind the hash. An empty or unreadable hash takes as long and matches none."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        return _hasher.verify(password_hash or _nobody, _as_typed(password)) and bool(password_hash)
    except InvalidHashError:
        return matches("", password)
    except VerificationError:
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def problem_with(password: str, *, email: str = "", name: str = "") -> Phrase | None:
    """Why a new password is refused, or None. Length and guessability count, not kinds of characters."""
    typed = _as_typed(password)
    if len(typed) < MIN_LENGTH:
        return phrase("Mật khẩu cần ít nhất {count} ký tự.", count=MIN_LENGTH)
    if len(typed) > MAX_LENGTH:
        return phrase("Mật khẩu dài quá {count} ký tự.", count=MAX_LENGTH)
    plain = typed.casefold()
    owned = {email.casefold(), email.casefold().partition("@")[0], nfc(name).casefold()} - {""}
    if plain in _COMMON or plain in owned or len(set(plain)) < 4:
        return phrase("Mật khẩu này quá dễ đoán. Hãy chọn một câu chỉ mình bạn biết.")
    return None


def _as_typed(password: str) -> str:
    # One keyboard sends ế as one character, another as three: both are the same password.
    return nfc(password)
