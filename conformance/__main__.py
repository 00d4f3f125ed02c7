"""The command `docex-conformance`."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from conformance.kit import Asked
    from conformance.party import Party

HERE = Path(__file__).parent
HUB = ("must_enter", "must_hand_in", "must_upload", "must_fetch", "must_report", "must_hint", "must_log", "must_expire")
HOOK, CLIENT = ("hook_must",), ("client_must",)
CANNOT_BEGIN = 2
_file = click.Path(path_type=Path, dir_okay=False)
_EXAMPLES = """
\b
A hub (this one, or your own that offers the same operations):
  docex-conformance --hub https://trial.example.vn \\
      --sender H29.01=client-id:/path/secret --receiver H29.02=client-id:/path/key.pem
\b
Your webhook receiver:
  docex-conformance --webhook https://your.example.vn/hook --webhook-secret /path/secret
\b
Your client, while it runs and fetches for the agency H29.02:
  docex-conformance --hub https://trial.example.vn --sender H29.01=client-id:/path/secret --client H29.02
\b
Exit code: 0 every MUST that was checked holds; 1 one does not; 2 the checks could not begin.
What each MUST says: docs/exchange-protocol.md, or --list.
"""


@click.command(epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--hub", metavar="URL", help="The hub. It should be one for trials: letters are handed in and fetched.")
@click.option("--sender", metavar="CODE=ID:FILE", help="System that hands in; FILE: its secret or private key (PEM).")
@click.option("--receiver", metavar="CODE=ID:FILE", help="System of another agency. Both may hand in and receive.")
@click.option("--client", metavar="CODE", help="Check the running client of this agency, in place of the hub.")
@click.option("--within", default=60.0, show_default=True, help="Seconds in which the client has to act.")
@click.option("--with-statuses", is_flag=True, help="Expect the client to report 03, or 02 with a reason.")
@click.option("--webhook", metavar="URL", help="Check a webhook receiver instead.")
@click.option("--webhook-secret", type=_file, help="File with the secret that the receiver knows.")
@click.option("--listen", metavar="HOST:PORT", help="Listen here, so that the hub's hints can be checked (M33–M35).")
@click.option("--listen-url", metavar="URL", help="Under which the hub reaches --listen.")
@click.option("--skip-expiry", is_flag=True, help="Leave out M24, which takes more than a minute.")
@click.option("--only", metavar="M07,M08", default="", help="Check only these.")
@click.option("--ca-file", type=_file, help="Authority (PEM) of TLS certificates, when it is one of your own.")
@click.option(
    "--audience", metavar="URL", default="", help="To which assertions are made out; the token endpoint if none."
)
@click.option("--report", type=_file, help="Write the outcome as JSON, too.")
@click.option("--list", "only_list", is_flag=True, help="Print every MUST and end.")
def main(**given: Any) -> None:
    """Check a hub, a client or a webhook receiver against the exchange protocol, from outside.

    Kiểm tra từ bên ngoài xem trục, phần mềm hoặc địa chỉ nhận tin có theo đúng giao thức trao đổi không.
    """
    if importlib.util.find_spec("pytest") is None:
        raise _Cannot("pytest is missing: pip install --no-deps --require-hashes -r requirements/conformance.lock")
    if given["only_list"]:
        click.echo("\n".join(f"{number} {sentence}" for number, sentence in sentences((*HUB, *HOOK, *CLIENT)).items()))
        return
    suite = _suite(given)
    asked = _asked(given)
    _must_be_there(asked)
    sys.exit(run(asked, suite))


def run(asked: "Asked", suite: Sequence[str]) -> int:
    """Run the checks of these modules and print what came out. Answers the exit code."""
    import pytest

    from conformance.kit import Kit

    # Nothing of the place where it is started may change the judgement: no settings, no plugins, no cache.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    own = ["-c", os.devnull, "--rootdir", str(HERE), "-p", "no:cacheprovider"]
    code = pytest.main([*own, *(str(HERE / f"{name}.py") for name in suite)], plugins=[Kit(asked)])
    return int(code) if code in (0, 1) else CANNOT_BEGIN


def sentences(suite: Sequence[str]) -> dict[str, str]:
    """Every MUST of these modules by its number."""
    found = {}
    for name in suite:
        for what, check in vars(importlib.import_module(f"conformance.{name}")).items():
            if what.startswith("test_"):
                found[what.removeprefix("test_").upper()] = " ".join((check.__doc__ or "").split())
    return dict(sorted(found.items()))


def _suite(given: dict[str, Any]) -> tuple[str, ...]:
    if given["webhook"]:
        if given["hub"] or not given["webhook_secret"]:
            raise click.UsageError("--webhook goes with --webhook-secret, and without --hub.")
        return HOOK
    if not given["hub"] or not given["sender"] or bool(given["client"]) == bool(given["receiver"]):
        raise click.UsageError("Give --hub with --sender and --receiver or --client; or --webhook. -h shows examples.")
    if bool(given["listen"]) != bool(given["listen_url"]):
        raise click.UsageError("--listen and --listen-url belong together.")
    return CLIENT if given["client"] else HUB


def _asked(given: dict[str, Any]) -> "Asked":
    from conformance.kit import Asked, Hook

    ca_file = str(given["ca_file"] or "")
    hook = None
    if given["webhook"]:
        hook = Hook(given["webhook"], _text_in(given["webhook_secret"]), ca_file)
    return Asked(
        hub=given["hub"] or "",
        sender=_party(given, "sender", ca_file),
        receiver=_party(given, "receiver", ca_file),
        hook=hook,
        client_code=given["client"] or "",
        within_s=given["within"],
        with_statuses=given["with_statuses"],
        with_expiry=not given["skip_expiry"],
        listen=given["listen"] or "",
        listen_url=given["listen_url"] or "",
        only=frozenset(one.strip().upper() for one in given["only"].split(",") if one.strip()),
        report_to=given["report"],
    )


def _party(given: dict[str, Any], option: str, ca_file: str) -> "Party | None":
    from conformance.party import Party

    if not given[option]:
        return None
    try:
        return Party.parse(given["hub"], given[option], ca_file, given["audience"])
    except (ValueError, OSError) as error:
        raise _Cannot(f"--{option}: {error}") from None


def _must_be_there(asked: "Asked") -> None:
    """What is not there breaks no MUST: the checks cannot begin."""
    import requests

    for name, party in (("sender", asked.sender), ("receiver", asked.receiver)):
        if party is None:
            continue
        try:
            answer = party.sign_in()
        except requests.RequestException as error:
            raise _Cannot(f"Không tới được trục / the hub cannot be reached: {error}") from None
        if answer.status_code != 200:
            raise _Cannot(f"--{name}: không được cấp mã / no token: {answer.status_code} {answer.text[:300]}")
    if asked.hook is not None:
        try:
            requests.get(asked.hook.url, timeout=10, verify=asked.hook.ca_file or None, allow_redirects=False)
        except requests.RequestException as error:
            raise _Cannot(f"Không tới được địa chỉ / the address cannot be reached: {error}") from None


def _text_in(path: Path) -> str:
    try:
        found = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise _Cannot(f"{path}: {error.strerror}") from None
    if not found:
        raise _Cannot(f"{path} is empty")
    return found


class _Cannot(click.ClickException):
    """The checks cannot begin."""

    exit_code = CANNOT_BEGIN


if __name__ == "__main__":
    main()
