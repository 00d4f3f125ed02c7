"""`lienthong verify`: judges a signed PDF or an evidence pack. Needs neither a network nor a database."""

import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click

from kernel import clock
from kernel.config import Config
from kernel.errors import Invalid
from kernel.text import Phrase, phrase

EXIT = {"valid": 0, "invalid": 1, "unclear": 2}
_KINDS = ("public", "official", "person_only", "copy", "minutes", "foreign")
_HELP = """
Judge FILE, a signed PDF or an evidence pack (.zip). Exit code: 0 valid, 1 invalid, 2 unclear or not to be judged.

\b
Trust is taken from --trust; without it from this installation's store. Each --trust is a folder as the service
keeps it (anchors.json), a folder of certificates (.pem, .crt, .cer, .der) with revocation lists (.crl) and OCSP
answers (.ocsp), or one certificate. A pack also needs the keys of the installation that made it: --keys is the
answer of its /api/v1/keys in a file, or the fingerprint of a key that you have compared; without it this
installation's keys are taken.

Kiểm tra một tệp PDF có chữ ký số hoặc một hồ sơ bằng chứng. Mã kết thúc: 0 hợp lệ, 1 không hợp lệ, 2 chưa rõ.
"""


@dataclass(frozen=True)
class _Known:
    """What the reader trusts: roots, keys by `kid`, and the fingerprints of keys that they have compared."""

    trust: Any
    keys: Mapping[str, dict[str, Any]]
    thumbprints: frozenset[str]


@click.command(help=_HELP)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--trust", "trusted", multiple=True, type=click.Path(exists=True, path_type=Path), help="Whom to trust.")
@click.option("--keys", "keys", multiple=True, metavar="FILE|FINGERPRINT", help="Keys of the pack's maker.")
@click.option("--kind", type=click.Choice(_KINDS), default="public", show_default=True, help="What a PDF is.")
@click.option("--at", "at", metavar="TIME", help="As of an earlier moment (ISO 8601 with a time zone).")
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON.")
@click.option("--pictures", type=click.Path(file_okay=False, path_type=Path), help="Where to show what changed (PNG).")
@click.option("--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True)
@click.pass_obj
def verify(
    config: Config,
    file: Path,
    trusted: tuple[Path, ...],
    keys: tuple[str, ...],
    kind: str,
    at: str | None,
    as_json: bool,
    pictures: Path | None,
    lang: str,
) -> None:
    """Judge a signed PDF or an evidence pack; the exit code is the value."""
    try:
        told = _verified(file, _known(config, trusted, keys), kind, _moment(at))
        click.echo(json.dumps(told, ensure_ascii=False, indent=1) if as_json else _words(told, lang))
        for line in _drawn(file, told, pictures, lang) if pictures else ():
            click.echo(line, err=as_json)
    except click.ClickException:
        raise
    except (Exception, KeyboardInterrupt) as error:
        # Python itself, and click after an interruption, end with 1, which here is a judgement.
        what = type(error).__name__
        said = phrase("Không kiểm tra xong được ({what}). Đây không phải là kết luận về tệp.", what=what)
        click.echo(said.in_locale(lang), err=True)
        sys.exit(EXIT["unclear"])
    sys.exit(EXIT[told["value"]])


def _verified(file: Path, known: _Known, kind: str, moment: datetime | None) -> dict[str, Any]:
    from signing.evidence.pack_format import is_container

    with file.open("rb") as opened:
        return _pack(opened, known, moment) if is_container(opened) else _paper(opened, known, kind, moment)


def _pack(file: IO[bytes], known: _Known, moment: datetime | None) -> dict[str, Any]:
    from signing.evidence.pack import KEYS
    from signing.evidence.pack_check import check_pack
    from signing.evidence.pack_format import NoPack, bytes_of, read_form

    keys = dict(known.keys)
    if known.thumbprints:
        try:
            listed = json.loads(bytes_of(file, read_form(file)[KEYS]))["keys"]
            keys |= {jwk["kid"]: jwk for jwk in listed if _thumbprint(jwk) in known.thumbprints}
        except (NoPack, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass  # the check says what is wrong
    return check_pack(file, known.trust, keys, at=moment).to_json()


def _paper(file: IO[bytes], known: _Known, kind: str, moment: datetime | None) -> dict[str, Any]:
    from kernel.storage.blobs import fingerprint
    from signing.evidence.pack import MAX_PARSED_BYTES
    from signing.verdicts.policy import DocumentKind, policy_for
    from signing.verification.file_verification import too_large
    from signing.verification.safe_verification import verdict_on

    policy = policy_for(DocumentKind(kind))
    if file.seek(0, io.SEEK_END) > MAX_PARSED_BYTES:
        blob = fingerprint(file)
        return {"kind": "paper", **too_large(blob.sha256, blob.size, policy, at=moment).to_json()}
    file.seek(0)
    return {"kind": "paper", **verdict_on(file.read(), known.trust, policy, at=moment).to_json()}


def _drawn(file: Path, told: dict[str, Any], folder: Path, lang: str) -> Iterator[str]:
    """Write what a PDF showed when it was signed beside what it shows now, and say where; nothing without a change."""
    from signing.rendering.change_pictures import visible_changes
    from signing.verdicts.verdict import Verdict

    found = visible_changes(file.read_bytes(), Verdict.from_json(told)) if told["kind"] == "paper" else None
    for one in found.shown if found else ():
        folder.mkdir(parents=True, exist_ok=True)
        picture = folder / f"{file.stem}-trang-{one.page}.png"
        picture.write_bytes(one.png)
        places = ", ".join(place.in_locale(lang) for place in one.where)
        said = phrase(
            "Trang {page} khác bản đã ký ({places}): {picture}", page=one.page, places=places, picture=picture
        )
        yield said.in_locale(lang)


def _thumbprint(jwk: dict[str, Any]) -> str:
    """Of the key itself (RFC 7638), whatever it calls itself."""
    from joserfc.jwk import ECKey

    return str(ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}).thumbprint())


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.UsageError("--at: 2026-03-02T10:00:00+07:00")
    return at


def _known(config: Config, trusted: tuple[Path, ...], keys: tuple[str, ...]) -> _Known:
    from signing.trust.trust_store import Trust

    trust, jwks = Trust(), dict[str, dict[str, Any]]()
    files = [one for one in keys if Path(one).is_file()]
    for one in files:
        jwks |= _keys_in(Path(one))
    for path in trusted:
        trust = trust.joined(_trust_in(path))
    own = None if trusted and keys else _own(config)
    if own is not None:
        trust = trust if trusted else own[0]
        jwks = jwks if keys else own[1]
    return _Known(trust, jwks, frozenset(keys) - frozenset(files))


def _keys_in(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = {jwk["kid"]: jwk for jwk in json.loads(path.read_bytes())["keys"]}
        return {kid: jwk for kid, jwk in found.items() if _thumbprint(jwk)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise click.UsageError(f"--keys {path}: {type(error).__name__}") from None


def _own(config: Config) -> tuple[Any, dict[str, dict[str, Any]]] | None:
    """The store and the keys of this installation; None where there is none, or it cannot be reached."""
    import sqlalchemy as sa

    from kernel.db import Database
    from signing.log import receipts
    from signing.testca.trial import trust_seen

    url = sa.make_url(config.sql_url)
    if url.drivername.startswith("sqlite") and not Path(url.database or "").is_file():
        return None
    db = Database(config.sql_url)
    try:
        with db.read() as tx:
            return trust_seen(tx, config), {key["kid"]: key for key in receipts.all_keys(tx)["keys"]}
    except sa.exc.SQLAlchemyError as error:
        click.echo(f"không tới được cơ sở dữ liệu / no database: {type(error).__name__}", err=True)
        return None
    finally:
        db.close()


def _trust_in(path: Path) -> Any:
    """What one --trust names. Test authorities are taken too: every verdict says what they are."""
    from signing.trust.holders import TEST_MARK
    from signing.trust.trust_store import Anchor, Purpose, Trust, TrustStore, load_certificate

    if (path / "anchors.json").is_file():
        return TrustStore(path, allow_test=True).trust()
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    anchors, between = [], []
    for file in files:
        if path.is_dir() and file.suffix.lower() not in {".pem", ".crt", ".cer", ".der", ".p7b"}:
            continue
        try:
            found = load_certificate(file.read_bytes())
        except Invalid as error:
            raise click.UsageError(f"--trust {file}: {error.message.vi} / {error.message.en}") from None
        if found.self_signed == "no":
            between.append(found)
            continue
        test = TEST_MARK in found.subject.human_friendly
        everything = frozenset(Purpose)
        label = str(found.subject.human_friendly)
        anchors.append(Anchor(found, found.sha256.hex(), everything, label, test, "cli", clock.now()))
    lists, answers = ([f.read_bytes() for f in files if f.suffix.lower() == end] for end in (".crl", ".ocsp"))
    return Trust(anchors=tuple(anchors), intermediates=tuple(between), crls=tuple(lists), ocsps=tuple(answers))


_VALUES: dict[str, Phrase] = {
    "valid": phrase("Hợp lệ"),
    "unclear": phrase("Chưa rõ"),
    "invalid": phrase("Không hợp lệ"),
}
_REMARK = phrase("Lưu ý")


def _words(told: dict[str, Any], lang: str) -> str:
    """The result for people, the gravest first."""
    lines = [_VALUES[told["value"]].in_locale(lang).upper()]
    if told["kind"] == "paper":
        lines.append(told[f"summary_{lang}"])
    for one in told["findings"] if told["kind"] == "pack" else told["reasons"]:
        label = _REMARK if one["weight"] == "valid" else _VALUES[one["weight"]]
        lines.append(f"- [{label.in_locale(lang)}] {one[lang]}")
    # Names come out of strangers' files and must not be able to steer the terminal.
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines)
