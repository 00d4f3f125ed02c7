"""`lienthong agent` and `lienthong agent-key`.

What they need is imported when they run: the command line is also how the web process starts, which must patch the
network for gevent before anything has loaded it.
"""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kernel import faults
from kernel.config import Config

if TYPE_CHECKING:
    from docex.agent.credentials import Credentials

_file = click.Path(path_type=Path, dir_okay=False)
log = logging.getLogger("lienthong.agent")


@click.command()
@click.option("--hub", required=True, metavar="URL", help="Where the hub is, such as https://lienthong.example.vn.")
@click.option(
    "--dir", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="The office's folder."
)
@click.option("--client-id", required=True, help="From the hub's administrator.")
@click.option("--secret-file", type=_file, help="File with the secret from the hub's administrator.")
@click.option("--key-file", type=_file, help="Private key made by `lienthong agent-key`, in place of a secret.")
@click.option("--ca-file", type=_file, help="Authority (PEM) of the hub's TLS certificate, when it has one of its own.")
@click.option("--audience", default="", metavar="URL", help="The hub's own address, when it is reached by another one.")
@click.option("--once", is_flag=True, help="Send and fetch what there is, then end.")
@click.pass_obj
def agent(
    config: Config,
    hub: str,
    folder: Path,
    client_id: str,
    secret_file: Path | None,
    key_file: Path | None,
    ca_file: Path | None,
    audience: str,
    once: bool,
) -> None:
    """Exchange edXML files through folders: outbox/, sent/, receipts/, inbox/, error/ and status.txt.

    Exit code 0 when it was told to stop or, with --once, when everything that could be done was done; 1 otherwise.
    """
    from docex.agent import main_loop
    from docex.agent.errors import Unreachable, Unusable
    from docex.agent.http_client import Reach

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    faults.arm(config.fault_point)
    if (secret_file is None) == (key_file is None):
        raise click.UsageError("Cần một trong hai: --secret-file hoặc --key-file. / One of the two is needed.")
    try:
        proof = _credentials(client_id, secret_file, key_file)
        main_loop.run(Reach(hub, proof, str(ca_file or ""), audience), folder, once=once)
    except (Unusable, Unreachable) as error:
        raise click.ClickException(str(error)) from None


@click.command()
@click.argument("key_file", type=_file)
@click.option("--show", is_flag=True, help="Print the public half of a key that was made before.")
def agent_key(key_file: Path, show: bool) -> None:
    """Make a key pair for an agent: the private half into KEY_FILE, readable by its owner only. What is printed is the
    public half (JWK), which the hub's administrator pastes into the application's page ("Ứng dụng kết nối")."""
    from docex.agent import credentials
    from docex.agent.errors import Unusable

    try:
        public = credentials.public_half(credentials.read_key(key_file)) if show else credentials.make_key(key_file)
    except Unusable as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(public))


def _credentials(client_id: str, secret_file: Path | None, key_file: Path | None) -> "Credentials":
    from docex.agent import credentials

    if key_file is not None:
        return credentials.Credentials(client_id, key=credentials.read_key(key_file))
    assert secret_file is not None
    if credentials.is_open_to_others(secret_file):
        log.warning("others can read %s / người khác đọc được tệp này: chmod 600", secret_file)
    return credentials.Credentials(client_id, secret=credentials.read_secret(secret_file))
