"""The panel for signing with one's own device on the page of a document."""

from dataclasses import dataclass
from datetime import datetime

from directory import queries as directory
from directory.actor import Actor, Role
from docex.documents.models import Document
from docex.documents.states import DocumentState
from kernel.config import Config
from kernel.db import Tx
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from signing.keys import key_settings
from signing.remote_signing import handoffs
from signing.remote_signing.models import HandoffState
from signing.verdicts.verdict import HolderKind

LEADER_SIGNS = phrase("Lãnh đạo đang ký bằng thiết bị của mình.")
CLERK_SEALS = phrase("Văn thư đang đóng dấu bằng thiết bị của mình.")


@dataclass(frozen=True)
class Device:
    """`offers`: the reader may begin. `server_signs`: this installation has a key of its own for the same act.

    The others tell of a hand-off under way: `mine` when it waits for this reader's device.
    """

    offers: bool = False
    server_signs: bool = False
    agent: str = ""
    handoff_id: int = 0
    name: str = ""
    mine: bool = False
    preparing: bool = False
    waits: bool = False
    checking: bool = False
    expires_at: datetime | None = None
    who: Phrase | None = None


def device_view(tx: Tx, actor: Actor, document_id: int, config: Config) -> Device:
    """For a reader who may open the document's page."""
    document = tx.session.get_one(Document, document_id)
    state = DocumentState(document.state)
    if state in (DocumentState.SIGNING, DocumentState.SEALING):
        return _under_way(tx, actor, document, config)
    leader = actor.person_id == document.signer_id and actor.has(Role.LEADER) and not document.copy_form
    may = (state is DocumentState.REVIEW and leader) or (state is DocumentState.SIGNED and actor.has(Role.CLERK))
    return Device(
        offers=may and bool(config.sign_agent_url),
        server_signs=bool(document.copy_form) or server_signs(tx, document, config, seal=state is DocumentState.SIGNED),
    )


def server_signs(tx: Tx, document: Document, config: Config, *, seal: bool) -> bool:
    """Whether this installation holds a key for it: in a trial for everybody, else for the seals of the settings."""
    if config.mode == "demo":
        return True
    return seal and key_settings.names_seal(config, _code(tx, document))


def _code(tx: Tx, document: Document) -> str:
    return directory.agency(tx, document.agency_id).code


def _under_way(tx: Tx, actor: Actor, document: Document, config: Config) -> Device:
    handoff = handoffs.live_of(tx, Ref("document", document.id))
    if handoff is None:
        return Device()
    person = handoff.kind == HolderKind.PERSON
    return Device(
        agent=config.sign_agent_url,
        handoff_id=handoff.id,
        name=handoff.name,
        mine=handoff.person_id == actor.person_id,
        preparing=handoff.state == HandoffState.PREPARING,
        waits=handoff.state in (HandoffState.READY, HandoffState.OPEN),
        checking=handoff.state == HandoffState.RECEIVED,
        expires_at=handoff.expires_at,
        who=LEADER_SIGNS if person else CLERK_SEALS,
    )
