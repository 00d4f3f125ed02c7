"""The command `lienthong`."""

import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import click

from docex.agent.commands import agent, agent_key
from docex.commands import edxml
from kernel import garbage
from kernel.config import BadSetting, Config
from kernel.errors import DomainError
from meetings.ballots.cli import ballot
from signing.evidence.cli import verify
from signing.log.cli import audit, before_check, log


class _Commands(click.Group):
    """All commands: one that finds no database, or one of another release, says in a line what to do."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            told = _database_told(ctx.obj, error) if isinstance(ctx.obj, Config) else None
            if told is None:
                raise
            raise click.ClickException(told) from error


def _database_told(config: Config, error: Exception) -> str | None:
    """What to do when a command failed because of its database; None when it failed otherwise."""
    from sqlalchemy.exc import OperationalError, ProgrammingError  # takes a while, and most commands go well

    if not isinstance(error, OperationalError | ProgrammingError):
        return None
    from web import schema

    return schema.trouble(config)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """Liên Thông: documents, meetings and tasks between public agencies."""
    try:
        config = Config.from_env()
    except BadSetting as error:
        raise click.ClickException(str(error)) from error
    logging.basicConfig(level=config.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("mail.log", "twilio.http_client", "weasyprint", "fontTools", "pyhanko", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    context.obj = config
    if context.invoked_subcommand not in _FOR_OTHERS:  # what they write is the data folder's
        context.call_on_close(partial(os.umask, os.umask(0o077)))


_FOR_OTHERS = frozenset({"agent", "agent-key", "ballot", "edxml", "verify", "catalogues"})
"""Commands whose files are for other people of the machine, who may read them as the caller's settings say."""
main.add_command(edxml)
main.add_command(agent)
main.add_command(agent_key)
main.add_command(log)
main.add_command(audit)
main.add_command(verify)
main.add_command(ballot)


@before_check
def _know_all_facts() -> None:
    from web import rooms

    rooms.load_checks()


@main.command()
@click.pass_obj
def web(config: Config) -> None:
    """Serve pages, the API and sockets."""
    from gevent import monkey

    monkey.patch_all()
    garbage.pause()  # `wsgi_server.serve` resumes when all is loaded
    from web.server import process

    process.run(config)


@main.command()
@click.pass_obj
def worker(config: Config) -> None:
    """Do the jobs of the outbox."""
    garbage.pause()  # `worker.run` resumes when all is loaded
    from web import worker as process

    process.run(config)


@main.command("mail-door")
@click.pass_obj
def smtp_listener(config: Config) -> None:
    """Take signed e-mail from partners (LIENTHONG_MAIL_DOOR_PORT)."""
    from web import smtp_listener as process

    if not config.mail_door_port:
        raise click.ClickException("LIENTHONG_MAIL_DOOR_PORT is not set")
    process.run(config)


@main.command()
@click.argument("code")
@click.argument("address")
@click.option("--certificate", type=click.File(), help="PEM file that its letters must be signed with.")
@click.option("--encrypt", is_flag=True, help="Encrypt letters to it with this certificate.")
@click.option("--max-bytes", type=int, default=0, help="Largest letter that it takes; 0 is the setting's.")
@click.option("--end", is_flag=True, help="Stop exchanging by e-mail with this agency.")
@click.pass_obj
def mail_partner(
    config: Config, code: str, address: str, certificate: TextIO | None, encrypt: bool, max_bytes: int, end: bool
) -> None:
    """Reach the agency CODE, which is served elsewhere, by signed e-mail at ADDRESS."""
    from web import smtp_listener

    pem = certificate.read() if certificate else ""
    try:
        click.echo(smtp_listener.agree(config, code, smtp_listener.Terms(address, pem, encrypt, max_bytes, not end)))
    except DomainError as error:
        raise _refusal(error) from error


def _refusal(error: DomainError) -> click.ClickException:
    said = "; ".join(f"{name}: {text}" for name, text in getattr(error, "fields", {}).items())
    return click.ClickException(said or str(error.message))


@main.command()
@click.pass_obj
def up(config: Config) -> None:
    """Run web and worker side by side; bring back whichever dies."""
    from web import supervisor

    sys.exit(supervisor.run(config))


@main.command()
@click.option(
    "--restored", is_flag=True, help="The database is a restored backup: browsers start from a fresh snapshot."
)
@click.pass_obj
def migrate(config: Config, restored: bool) -> None:
    """Bring the database to the newest schema."""
    from web import schema

    click.echo(schema.upgrade(config, restored=restored))


@main.group()
def blobs() -> None:
    """The files in the store."""


@blobs.command("check")
@click.pass_obj
def check_blobs(config: Config) -> None:
    """Read every stored file again. Exit code 1 when one is not what its name says, or one that rows name is gone."""
    from web import integrity

    found = integrity.files_by_hand(config)
    click.echo(f"{found.read} tệp / files, {found.size} byte")
    for sha256 in found.damaged:
        click.echo(f"{sha256}: hỏng / damaged")
    for sha256 in found.missing:
        click.echo(f"{sha256}: mất / missing")
    sys.exit(0 if found.is_whole else 1)


@main.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_obj
def backup(config: Config, target: Path) -> None:
    """Save database, files and keys to the new folder TARGET, or to one file when it ends in .tar, while all runs."""
    from web.backup import writing
    from web.backup.containers import BackupError

    try:
        made = writing.back_up(config, target)
    except (BackupError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"{target}: {made.files} files, {made.size} bytes, read again and whole. It holds all secrets: keep it safe."
    )
    _tell_lost(made.lost)


@main.command()
@click.argument("place", type=click.Path(path_type=Path, exists=True))
@click.option("--replace", is_flag=True, help="Also when there is a database already: its rows are gone then.")
@click.option("--check", "only_check", is_flag=True, help="Only read the backup again; touch nothing.")
@click.pass_obj
def restore(config: Config, place: Path, replace: bool, only_check: bool) -> None:
    """Bring the backup at PLACE back, while web and worker are stopped."""
    from web.backup import restoring
    from web.backup.containers import BackupError

    try:
        if only_check:
            wrong = restoring.checked(place)
            click.echo("\n".join(wrong) if wrong else f"{place} is whole")
            sys.exit(1 if wrong else 0)
        done = restoring.restore(config, place, replace=replace)
    except (BackupError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"restored the state of {done.made_at}, {done.files} files; browsers begin anew")
    if done.other_secret:
        click.echo(
            f"LIENTHONG_SECRET_KEY is another than that of the backup: {config.data_dir / 'secret_key'}", err=True
        )
    _tell_lost(done.lost)


def _tell_lost(lost: Sequence[str]) -> None:
    """Files that rows name and that the store did not have whole: exit code 1."""
    for sha256 in lost:
        click.echo(f"missing or damaged in the store: {sha256}", err=True)
    sys.exit(1 if lost else 0)


@main.command()
@click.option("--older-than", "days", type=click.IntRange(2), default=7, show_default=True, help="Days.")
@click.option("--remove", is_flag=True, help="Remove them; without this they are only shown.")
@click.pass_obj
def sweep(config: Config, days: int, remove: bool) -> None:
    """Show the stored files that no row names, and unfinished files of this machine that nobody goes on with."""
    from web import sweeping

    done = sweeping.by_hand(config, days=days, remove=remove)
    for one in done.found.names:
        click.echo(f"{one.sha256}  {one.size:>12}  {one.at:%Y-%m-%d}")
    click.echo(
        f"{done.found.orphans} of {done.found.files} files without a row ({done.found.orphan_bytes} bytes), "
        f"{done.found.drafts} drafts, {done.pieces} uploads; "
        + (f"removed {done.found.removed} files, the drafts and the uploads" if remove else "nothing removed: --remove")
    )


@main.group()
def verdicts() -> None:
    """Verdicts on signatures that are stored with documents."""


@verdicts.command("again")
@click.pass_obj
def again(config: Config) -> None:
    """Verify again, by the rules of today, what was verified by earlier ones; the worker does it, a batch a minute."""
    from web import reverification

    click.echo(reverification.by_hand(config))


@main.command()
@click.pass_obj
def seed(config: Config) -> None:
    """Fill an empty database with the demo city and print who can sign in."""
    from web import welcome

    if welcome.is_founded(config):
        click.echo(welcome.words(config))
        return
    from web import demo  # brings half the house along

    click.echo(demo.seed(config))


@main.command()
@click.option("--agency-code", required=True, help="Code of the top agency of this instance, e.g. H29.01.")
@click.option("--agency-name", required=True)
@click.option("--name", required=True, help="Name of the administrator.")
@click.option("--email", required=True)
@click.pass_obj
def found(config: Config, agency_code: str, agency_name: str, name: str, email: str) -> None:
    """Found a production instance: its top agency and the first administrator, who gets a temporary password."""
    from web import founding

    try:
        click.echo(founding.found(config, agency_code, agency_name, name, email))
    except DomainError as error:
        raise _refusal(error) from error


@main.command()
@click.pass_obj
def doctor(config: Config) -> None:
    """Check each part and say what to do. Exit code 1 when something is broken."""
    from web import doctor as checks

    report, healthy = checks.examine(config)
    click.echo(report)
    sys.exit(0 if healthy else 1)


@main.command()
@click.option("--keep", is_flag=True, help="Leave the temporary folder for a look afterwards.")
@click.option("--busy", is_flag=True, help="The machine has other work: the SMS may take a minute instead of 5 s.")
def tour(keep: bool, busy: bool) -> None:
    """Drive the whole thread on a fresh temporary instance and print what was checked."""
    from web import tour as guide

    sys.exit(guide.run(keep=keep, busy=busy))


@main.command()
@click.option("--since", type=float, help="Unix time from which the seconds are counted; the start of this command.")
def first_exchange(since: float | None) -> None:
    """Exchange a letter between two agencies' systems on a fresh temporary instance and print its signed receipt."""
    from web.tour import exchange

    sys.exit(exchange.run(since))


@main.group()
def pki() -> None:
    """Keys and certificates."""


@pki.command("test")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def pki_test(config: Config, folder: Path | None) -> None:
    """Make the marked test authority with its people, seals, time-stamp and revocation services."""
    from web import demo

    click.echo(demo.make_test_authority(config, folder or config.pki_dir))


@pki.command("serve")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--port", type=click.IntRange(0, 65535), default=8318, show_default=True, help="0 takes a free one.")
@click.pass_obj
def pki_serve(config: Config, folder: Path | None, port: int) -> None:
    """Answer for the test authority on this machine: time-stamps, OCSP, revocation lists. For trials, until Ctrl+C."""
    from signing.testca import services

    if config.mode == "production":
        raise click.ClickException("the test authority is for trials, not for production")
    try:
        services.serve(folder or config.pki_dir, port, click.echo)
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}") from error


@main.command()
def catalogues() -> None:
    """Compile the message catalogues."""
    from kernel.catalogue import compile_catalogues

    click.echo(f"{compile_catalogues()} messages")
