"""Settings. The environment is read here and nowhere else; a secret may stand in a file named by NAME_FILE."""

import contextlib
import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

PREFIX = "LIENTHONG_"


class BadSetting(ValueError):
    """A setting cannot be read; the message names it and says what it takes."""


def _flag(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("1 or 0")


def _rate(text: str) -> str:
    if text and not re.fullmatch(r"[1-9]\d*/(second|minute|hour)", text):
        raise ValueError("a rate such as 600/minute, or nothing")
    return text


def _orphan_days(text: str) -> int:
    days = int(text)
    if days and days < 2:
        raise ValueError("0, or 2 and more")
    return days


def _networks(text: str) -> str:
    for part in filter(None, text.split(",")):
        ipaddress.ip_network(part.strip())
    return text


class Secret(str):
    """A text that is used as any other and not shown: error reports print the `repr` of each frame's variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<secret>" if self else "''"


def setting(default: Any, doc: str, *, read: Callable[[str], Any] = str, secret: bool = False) -> Any:
    """A field of `Config` that knows its documentation and how its text is read."""
    return field(default=default, metadata={"doc": doc, "read": read, "secret": secret})


@dataclass(frozen=True)
class Config:
    """All settings of one process. docs/settings.md is checked against these fields."""

    mode: str = setting("demo", "`demo` (test authority, mailbox page, demo city) or `production`.")
    base_url: str = setting(
        "http://127.0.0.1:8080",
        "The address at which people reach the service; links are made from it. Unset, it follows the port.",
    )
    host: str = setting("127.0.0.1", "The address that `web` listens on.")
    port: int = setting(8080, "The port that `web` listens on.", read=int)
    data_dir: Path = setting(Path("var"), "Folder for the embedded database, files and keys.", read=Path)
    database_url: str = setting("", "`postgresql+psycopg://…`; empty is SQLite in the data folder.", secret=True)
    secret_key: str = setting(
        "",
        "Signs cookies and links and seals small secrets in the database; in demo mode made once and kept in the data "
        "folder.",
        secret=True,
    )
    secret_key_before: str = setting(
        "",
        "The `LIENTHONG_SECRET_KEY` before this one, while it is changed: what was sealed with it is sealed anew when "
        "a worker starts.",
        secret=True,
    )
    blobs_url: str = setting("", "`s3://bucket/prefix`; empty is the data folder.")
    s3_endpoint: str = setting("", "Address of an S3 other than Amazon's.")
    s3_access_key: str = setting("", "Access key of the S3 user.", secret=True)
    s3_secret_key: str = setting("", "Secret key of the S3 user.", secret=True)
    smtp_url: str = setting(
        "",
        "`smtp://user:password@host:25` or `smtps://…`; empty: shown in the demo, failed in production.",
        secret=True,
    )
    mail_from: str = setting("lienthong@localhost", "Sender address of all e-mail.")
    reply_domain: str = setting(
        "",
        "Domain of the reply addresses of invitations; empty takes that of the sender.",
    )
    mail_door_port: int = setting(
        0, "Port at which `lienthong mail-door` takes signed e-mail from partners; 0 is no such listener.", read=int
    )
    mail_door_host: str = setting("127.0.0.1", "The address that the SMTP listener listens on.")
    mail_door_domain: str = setting(
        "", "Domain of the agencies' exchange addresses (`h29.01@…`); empty takes that of the sender."
    )
    mail_door_cert: str = setting("", "PEM file of the SMTP listener's certificate; empty is no STARTTLS.")
    mail_door_key: str = setting("", "PEM file of the key that belongs to it.")
    mail_letter_max_bytes: int = setting(
        30_000_000,
        "Cap on the size of a signed letter times its recipients; beyond it, a link goes instead of the file.",
        read=int,
    )
    mail_link_days: int = setting(14, "Days for which such a link works.", read=int)
    mail_key_passphrase: str = setting(
        "",
        "Passphrase of the agencies' mail keys (`pki/mail/<code>.p12`); demo mode makes test keys.",
        secret=True,
    )
    twilio_account_sid: str = setting("", "Twilio account; empty: shown in the demo, failed in production.")
    twilio_auth_token: str = setting("", "Twilio secret.", secret=True)
    twilio_from: str = setting("LienThong", "Registered sender name or number.")
    twilio_base_url: str = setting(
        "https://api.twilio.com",
        "Address of the Twilio API or of a server of its shape.",
    )
    sms_price_vnd: int = setting(800, "Price of one SMS segment in đồng, for the cost report.", read=int)
    sms_keep_accents: bool = setting(False, "Send SMS with accents (more segments).", read=_flag)
    tsa_url: str = setting("", "RFC 3161 time-stamp authority; empty leaves signatures at level B-B.")
    keys: str = setting(
        "",
        "Where seal keys lie, one `seal:CODE=pkcs11:token=…;object=…` each (RFC 7512); docs/operations.md has more.",
        secret=True,
    )
    pkcs11_module: str = setting("", "The maker's PKCS#11 library, such as `/usr/lib/softhsm/libsofthsm2.so`.")
    pkcs11_pin: str = setting(
        "", "PIN of the tokens in `LIENTHONG_KEYS` that have no `pin-source` of their own.", secret=True
    )
    key_passphrase: str = setting(
        "",
        "Passphrase of the key files in `LIENTHONG_KEYS` and of the key of receipts in the data folder.",
        secret=True,
    )
    stamps_dir: str = setting(
        "",
        "Folder with the pictures of seals, `seal-H29.01.png` for each agency whose seal the server applies; empty is "
        "`stamps` in the data folder. docs/operations.md has more.",
    )
    sign_agent_url: str = setting(
        "wss://127.0.0.1:8987",
        "Address of the signing program on each signer's own computer (VGCA); empty offers no such signing.",
    )
    trust_dir: str = setting(
        "", "Folder of trusted certificates of a trial and of the command line; empty is `trust` in the data folder."
    )
    revocation_hosts: str = setting(
        "",
        "Hosts whose OCSP responders and revocation lists are asked, such as `ca.gov.vn,*.ca.gov.vn`; empty allows all "
        "with public addresses.",
    )
    revocation_soft_hours: int = setting(
        24,
        "Hours for which an answer about revocation that has ended still counts, shown in red, when no newer one can "
        "be had.",
        read=int,
    )
    connection_wait_s: int = setting(
        20,
        "Seconds in which the head of a request must have come, and in which its body must begin and go on at 8 kB/s "
        "or more, and a socket must have joined; a connection between two requests is closed after "
        "four times as many.",
        read=int,
    )
    connections_per_address: int = setting(
        2000,
        "Connections of one address to one `web` that no proxy stands before: three for each of six hundred people "
        "of a city office behind one address, and a fifth of what `web` holds; 0 is no limit.",
        read=int,
    )
    request_max_bytes: int = setting(1_000_000, "Cap on a request without files.", read=int)
    upload_max_bytes: int = setting(50_000_000, "Cap on an upload and on an edXML envelope.", read=int)
    session_hours: int = setting(12, "Hours without use after which a sign-in ends.", read=int)
    sign_in_tries: int = setting(
        10,
        "Failed sign-ins of one name from one address, or one known device, in 15 minutes before it must wait; one "
        "address, and one name from everywhere, may fail ten times as often.",
        read=int,
    )
    chunked_max_bytes: int = setting(
        3_000_000_000,
        "Cap on an envelope that is uploaded in pieces over the API, and on the papers in it; Base64 makes a paper "
        "a third larger.",
        read=int,
    )
    webhooks_anywhere: bool = setting(
        False,
        "Let webhooks, and links in partners' letters, go to private addresses and over plain http; for trials only.",
        read=_flag,
    )
    clamd: str = setting(
        "", "`unix:/run/clamav/clamd.ctl` or `tcp:127.0.0.1:3310`: files from outside are checked there; empty is off."
    )
    oidc_issuer: str = setting("", "OpenID Connect issuer; empty switches single sign-on off.")
    oidc_client_id: str = setting("", "Client id at the issuer.")
    oidc_client_secret: str = setting("", "Client secret at the issuer.", secret=True)
    api_rate: str = setting(
        "6000/minute",
        "Calls of the API that each client may make to one process, such as `600/minute`; empty is no limit.",
        read=_rate,
    )
    mtls_header: str = setting(
        "", "Header in which a trusted proxy hands over the client certificate (RFC 9440 or PEM); empty is off."
    )
    mtls_proxies: str = setting("", "Addresses and networks of those proxies, separated by commas.", read=_networks)
    trusted_proxies: int = setting(
        0,
        "Number of reverse proxies in front whose X-Forwarded headers count.",
        read=int,
    )
    isolated_processes: int = setting(
        2,
        "Processes of their own in which one `web` or `worker` signs, verifies and draws papers, so that no file can "
        "stop it.",
        read=int,
    )
    isolated_memory_mb: int = setting(1024, "Megabytes of address space that each of them may use.", read=int)
    isolated_seconds: int = setting(45, "Seconds of the processor that one piece of work in them may take.", read=int)
    judging_seconds: int = setting(
        10,
        "Seconds of the processor that one judgement of signatures may take, of `LIENTHONG_ISOLATED_SECONDS`.",
        read=int,
    )
    check_max_bytes: int = setting(20_000_000, "Cap on a file that anybody has checked on the page `/check`.", read=int)
    check_rate: str = setting(
        "20/minute",
        "Visits of one address to the pages under `/check` that cost something, for each process; empty is no limit.",
        read=_rate,
    )
    device_rate: str = setting(
        "300/minute",
        "Files that one address may fetch for and bring from signing devices, for each process; empty is no limit.",
        read=_rate,
    )
    worker_threads: int = setting(4, "Jobs that one worker does at a time.", read=int)
    lease_s: int = setting(60, "Seconds after which another worker may take over the job of one that died.", read=int)
    poll_ms: int = setting(
        50,
        "Milliseconds between looks at the embedded database for new work.",
        read=int,
    )
    vxp_prefix: str = setting("/vxp", "Path under which the VXP-shaped operations (`/sendEdoc`, …) are answered.")
    vxp_upstream_url: str = setting(
        "", "Address of an upper axis of the VXP shape, without the operation; empty forwards nothing."
    )
    vxp_upstream_system_id: str = setting("", "Our system id at the upper axis.")
    vxp_upstream_secret: str = setting("", "Our secret at the upper axis.", secret=True)
    vxp_upstream_every_s: int = setting(60, "Seconds between looks for new messages at the upper axis.", read=int)
    orphan_days: int = setting(
        7,
        "Days after which a stored file that no row names is removed, in a weekly sweep; at least 2, 0 removes none.",
        read=_orphan_days,
    )
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR.")
    clock_ahead_s: int = setting(
        0, "Seconds by which the worker lives in the future; for trials, demo mode only.", read=int
    )
    fault_point: str = setting(
        "",
        "Name of a marked point at which the process kills itself; for fault tests only.",
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.metadata["secret"]:
                object.__setattr__(self, item.name, Secret(getattr(self, item.name)))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the environment; BadSetting names the first variable that cannot be read."""
        source = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for item in fields(cls):
            text = _text_of(source, PREFIX + item.name.upper())
            if text is not None:
                values[item.name] = _read(item.name, text, item.metadata["read"])
        if "port" in values:
            values.setdefault("base_url", f"http://127.0.0.1:{values['port']}")
        return cls(**values)._completed()

    def _completed(self) -> Self:
        if self.mode not in {"demo", "production"}:
            raise BadSetting(f"{PREFIX}MODE must be demo or production, not {self.mode!r}")
        if self.mode == "production" and not self.secret_key:
            raise BadSetting(f"{PREFIX}SECRET_KEY must be set in production")
        if self.mode == "production" and (self.clock_ahead_s or self.fault_point):
            raise BadSetting(f"{PREFIX}CLOCK_AHEAD_S and {PREFIX}FAULT_POINT are for trials, not for production")
        return self

    @property
    def sql_url(self) -> str:
        """The database URL with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir / 'lienthong.db'}"

    @property
    def blobs_dir(self) -> Path:
        """Where files lie when they lie on disk."""
        return self.data_dir / "blobs"

    @property
    def pki_dir(self) -> Path:
        """Where the marked test authority and the file key store lie."""
        return self.data_dir / "pki"

    @property
    def stamps_folder(self) -> Path:
        """Where the pictures of seals lie."""
        return Path(self.stamps_dir) if self.stamps_dir else self.data_dir / "stamps"

    @property
    def hosts_for_revocation(self) -> tuple[str, ...]:
        """The allowed hosts; empty for all with public addresses."""
        return tuple(host.strip() for host in self.revocation_hosts.split(",") if host.strip())

    @property
    def trust_folder(self) -> Path:
        """Where the trusted certificates lie."""
        return Path(self.trust_dir) if self.trust_dir else self.data_dir / "trust"

    def own_data_dir(self) -> None:
        """Make the data folder, and keep all others of this machine out of it: database, files and keys lie there."""
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(PermissionError):  # somebody else's, who has to see to it: the doctor says so
            self.data_dir.chmod(0o700)

    def signing_secret(self) -> str:
        """The secret that signs cookies; in demo mode it is made at the first call and kept."""
        if self.secret_key:
            return self.secret_key
        path = self.data_dir / "secret_key"
        if not path.exists():
            self.own_data_dir()
            draft = path.with_name(f"secret_key.{secrets.token_hex(8)}")
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)  # atomic: web and worker may start at the same moment
            draft.unlink()
        return Secret(path.read_text())

    def sealing_secrets(self) -> tuple[str, ...]:
        """The secrets with which something in the database may be sealed; the first is the present one."""
        return (self.signing_secret(), *filter(None, [self.secret_key_before]))


def process_environment(**changes: str) -> dict[str, str]:
    """The environment for a child process: ours with `changes`."""
    return {**os.environ, **changes}


_BARE = re.compile(r"PATH|HOME|LANG|LC_\w+|TZ|XDG_\w+|FONTCONFIG_\w+|LD_LIBRARY_PATH")


def bare_environment(**changes: str) -> dict[str, str]:
    """The environment for a child process that shall know no setting and no secret."""
    return {**{name: text for name, text in os.environ.items() if _BARE.fullmatch(name)}, **changes}


def _text_of(source: Mapping[str, str], name: str) -> str | None:
    if name + "_FILE" in source:
        path = Path(source[name + "_FILE"])
        try:
            return path.read_text().rstrip("\n")
        except OSError as error:
            raise BadSetting(f"{name}_FILE: cannot read {path}: {error.strerror}") from error
    return source.get(name)


def _read(name: str, text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise BadSetting(f"{PREFIX}{name.upper()}: cannot read {text!r}: {error}") from error
