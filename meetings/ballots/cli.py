"""`lienthong ballot`: counts the published file of a secret vote again. Needs neither a network nor a database."""

import sys
from pathlib import Path

import click

from kernel.text import Phrase, phrase
from meetings.ballots.fingerprints import grouped, short
from meetings.ballots.recount import Recount
from meetings.ballots.recount import recount as check

_HELP = """
Count FILE again: every key, ballot and share is checked, and the result is computed anew. Exit code: 0 all is right
and counted, 1 something is wrong, 2 not opened by all trustees yet.

\b
With --receipt it also looks for the ballot with that code. The code of the vote that is printed must be the one
that stood on the screens in the meeting; a file that was made up as a whole has another.

Đếm lại tệp kết quả bỏ phiếu kín. Mã kết thúc: 0 đúng và đã có kết quả, 1 có sai lệch, 2 chưa giải mã xong.
"""


@click.group()
def ballot() -> None:
    """Secret votes."""


@ballot.command(help=_HELP)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--receipt", "receipts", multiple=True, metavar="CODE", help="Look for a ballot.")
@click.option("--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True)
def recount(file: Path, receipts: tuple[str, ...], lang: str) -> None:
    """Print what the check found."""
    found = check(file.read_bytes())
    wanted = ["".join(one.split()).upper() for one in receipts]
    missing = [one for one in wanted if one not in found.receipts]
    for line in [*_lines(found), *_looked_for(wanted, missing)]:
        click.echo(line if isinstance(line, str) else line.in_locale(lang))
    if found.problems or missing:
        sys.exit(1)
    sys.exit(0 if found.complete else 2)


def _lines(found: Recount) -> list[Phrase | str]:
    if found.election is None:
        return list(found.problems)
    draft = found.election.draft
    lines: list[Phrase | str] = [
        f"{draft.title}: {draft.question}",
        phrase("Mã cuộc bỏ phiếu: {code}", code=grouped(short(found.election.fingerprint))),
        phrase("{ballots} phiếu trên {voters} người", ballots=len(found.receipts), voters=len(found.election.voters)),
    ]
    if found.problems:
        return [*lines, *found.problems, phrase("KHÔNG ĐÚNG: không dùng kết quả này.")]
    if found.counts is None:
        return [*lines, phrase("Các phiếu đều hợp lệ. Chưa giải mã xong, chưa có kết quả.")]
    lines += [f"{votes:>6}  {option}" for option, votes in zip(draft.options, found.counts, strict=True)]
    return [*lines, phrase("ĐÚNG: mọi phiếu hợp lệ, kết quả đã đếm lại khớp.")]


def _looked_for(wanted: list[str], missing: list[str]) -> list[Phrase]:
    return [
        phrase("Không có phiếu {code}.", code=grouped(one))
        if one in missing
        else phrase("Có phiếu {code}.", code=grouped(one))
        for one in wanted
    ]
