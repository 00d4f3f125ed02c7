"""The operations of the VXP protocol. Each is proved by the signature in its headers, and its failures are told in
the protocol's own words (answers.py), because the SDK takes any other answer for an empty list or throws it away.

The path may hold a doubled slash: the SDK makes one of an address that ends with a slash.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Response, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import FileWrapper

from directory.actor import Actor
from directory.models import Agency
from directory.queries import agency_by_code, agency_named
from docex.edxml import Envelope, Limits, StatusMessage
from docex.exchange.hub import mailbox, refusals
from docex.exchange.intake import acceptance
from docex.exchange.intake.acceptance import Handed
from docex.exchange.intake.unpacking import infected, unpacked
from docex.exchange.vxp import answers, message_list, operations, systems, upstream, wire
from docex.exchange.vxp.doc_ids import Mark, doc_id
from docex.exchange.vxp.models import EDOC, STATUS
from docex.exchange.vxp.systems import System
from docex.exchange.vxp.unpacking import named, narrowed
from kernel.config import Config
from kernel.db import Tx
from kernel.endpoints import Routes, View
from kernel.errors import DomainError, Forbidden, NotFound
from kernel.storage.blobs import BlobStore
from kernel.text import header_text, phrase

log = logging.getLogger(__name__)

PROOF = "the headers are signed with the secret of an agency's system; checked before anything else"

_HEADERS = "HTTP_" + wire.PREFIX.upper().replace("-", "_")

routes = Routes("vxp")


def _parts() -> tuple[Config, BlobStore]:
    services = current_app.extensions["lienthong"]
    return services.config, services.blobs


def _caller(tx: Tx, prefix: str) -> System:
    """The system that calls; NotFound outside the configured path, BadSignature for strangers."""
    if prefix.strip("/") != _parts()[0].vxp_prefix.strip("/"):
        raise NotFound()
    system = systems.recognised(tx, systems.safe_of(_parts()[0]), request.headers.items())
    tx.by = system.actor.by
    if system.actor.is_news:
        g.client_touch = system.client_id  # noted after the answer (web/entry.py)
    return system


def _answer(answer: dict[str, Any], status: int = 200) -> Response:
    response = Response(answers.as_bytes(answer), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _refusal(error: Exception) -> tuple[dict[str, Any], int]:
    known = isinstance(error, DomainError | HTTPException | wire.BadSignature | answers.BadFile)
    if not known:
        log.exception("vxp: %s failed", request.path, exc_info=error)
    elif isinstance(error, wire.BadSignature):
        log.warning("vxp: %s refused: %s", request.path, error)
    code = error.code if isinstance(error, HTTPException) and error.code else 500
    return answers.failed(error, code)


def _refuse(error: Exception) -> Response:
    """A failure of an operation that answers with JSON."""
    return _answer(*_refusal(error))


def _refuse_file(error: Exception) -> Response:
    """A failed download has an empty body: the SDK writes any other one to disk and calls it a success."""
    answer, _status = _refusal(error)
    return Response(status=204, headers={"X-ErrorCode": answer["ErrorCode"]})


def answer_astray() -> Response | None:
    """Whoever brings headers of this protocol to any other address, as with a forgotten `/vxp`, hears so in its words;
    None for everybody else. A page of ours, an error page too, would be an empty list to the SDK."""
    if not any(name.startswith(_HEADERS) for name in request.environ) or request.endpoint in _OPERATIONS:
        return None
    address = _parts()[0].base_url.rstrip("/") + "/" + _parts()[0].vxp_prefix.strip("/")
    error = NotFound(phrase("Địa chỉ kết nối không đúng. Xin đặt địa chỉ của trục là {address}.", address=address))
    log.warning("vxp: %s is no address of the protocol", request.path)
    return _refuse(error) if request.method == "POST" else _refuse_file(error)


def _operation(name: str, **more: Any) -> Callable[[View], View]:
    return routes.open_post(f"/<path:prefix>/{name}", reason=PROOF, csrf=False, refuse=_refuse, **more)


def _read_message(tx: Tx, _actor: None, prefix: str) -> tuple[Envelope | StatusMessage, Handed]:
    """Check the sender, read what came and store it when nothing speaks against it, while no writer waits."""
    system = _caller(tx, prefix)
    refusals.refuse_form(request.content_type or "")
    tx.release()  # a large file takes its time
    config, blobs = _parts()
    file = request.stream
    size = wire.sent_size(file, system.value("hash-file"))
    if size is None:
        raise answers.BadFile("the body has another hash")
    file.truncate(size)  # the entry has put the body into a file of its own
    with unpacked(blobs, file, Limits(file_bytes=config.upload_max_bytes)) as found:
        # `to` alone means nothing: the SDK repeats that of an earlier call. Only a hub that relays says `relayed`.
        relayed = system.value("relayed") == "true"
        message = narrowed(found.message, system.value("to")) if relayed else found.message
        handed, actor = named(found.blob), _acting(tx, system, message.sender.code)
        is_new = partial(_is_new, tx, system, actor, message, handed)
        refusal = partial(infected, current_app.extensions["lienthong"].db, actor, handed)
        return message, found.kept(handed, is_new, config.clamd, refusal)


def _is_new(tx: Tx, system: System, actor: Actor, message: Envelope | StatusMessage, handed: Handed) -> bool:
    """Whether it has still to be taken in; the rest takes its time and asks the database nothing."""
    _check_sender(tx, system)
    upstream.check_route(tx, message, _parts()[0].vxp_upstream_system_id)
    if not acceptance.is_new(tx, actor, message, handed):
        return False
    tx.release()
    return True


def _signed_headers(tx: Tx, prefix: str) -> None:
    """Whether a registered system has signed the headers, before what it sends is read."""
    _caller(tx, prefix)


@_operation("sendEdoc", max_bytes="upload_max_bytes", proof=_signed_headers, before=_read_message)
def send_edoc(tx: Tx, _actor: None, prefix: str, brought: Callable[[], Any]) -> Response:
    """Hand in a document or a status; what it is, the file itself says."""
    system = _caller(tx, prefix)
    message, handed = brought()
    _check_sender(tx, system)
    upstream.check_route(tx, message, _parts()[0].vxp_upstream_system_id)
    given = acceptance.accept(tx, _acting(tx, system, message.sender.code), message, handed)
    mark, number = (Mark.SENT_STATUS, given["status_id"]) if "status_id" in given else (Mark.SENT, given["id"])
    return _answer({**answers.done(DocId=doc_id(mark, number)), "ErrorDesc": phrase("Thành công").vi})


def _acting(tx: Tx, system: System, code: str) -> Actor:
    """The system in the name of that one of its agencies; of its own when the code is none of theirs, which the hub
    then refuses."""
    agency = _agency_of(tx, system, code)
    return replace(system.actor, agency_id=agency.id) if agency else system.actor


def _check_sender(tx: Tx, system: System) -> None:
    """The signed `from`, when there is one, is a code of an agency of the system."""
    code = system.value("from")
    if code and _agency_of(tx, system, code) is None:
        raise Forbidden(phrase("Mã nơi gửi {code} không phải là cơ quan của hệ thống đang gửi.", code=code[:40]))


def _agency_of(tx: Tx, system: System, code: str) -> Agency | None:
    """The system's agency that a code names: itself, also when it has gone into another since, or its successor."""
    found = (agency_named(tx, code), agency_by_code(tx, code))
    return next((one for one in found if one is not None and one.id in system.agency_ids), None)


@_operation("getReceivedEdocList")
def get_received_edoc_list(tx: Tx, _actor: None, prefix: str) -> Response:
    """What waits for the system's agencies."""
    system = _caller(tx, prefix)
    kind = _kind(system)
    if kind == EDOC:
        _note_poll(tx, system)
    return _answer(answers.done(data=message_list.received(tx, system, kind)))


def _note_poll(tx: Tx, system: System) -> None:
    mailbox.note_polls(tx, systems.mailboxes_of(tx, system), header_text(request.headers.get("User-Agent", "")))


def _kind(system: System) -> str:
    return STATUS if system.value("messagetype").lower() == STATUS else EDOC


@_operation("getEdoc")
def get_edoc(tx: Tx, _actor: None, prefix: str) -> Response:
    """One message, in base64 inside the JSON."""
    system = _caller(tx, prefix)
    file, size = message_list.opened(_parts()[1], message_list.message(tx, system, system.value("docId")))
    response = Response(answers.done_with_file(file), mimetype="application/json")
    response.content_length = answers.length_with_file(size)
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.open_get("/<path:prefix>/downloadEdoc", reason=PROOF, refuse=_refuse_file)
def download_edoc(tx: Tx, _actor: None, prefix: str) -> Response:
    """One message as it is."""
    system = _caller(tx, prefix)
    file, size = message_list.opened(_parts()[1], message_list.message(tx, system, system.value("docId")))
    response = Response(FileWrapper(file), mimetype="application/octet-stream", direct_passthrough=True)
    response.content_length = size
    return response


@routes.open_get("/<path:prefix>/downloadEdoc2", reason="it answers nothing to anybody", refuse=_refuse_file)
def download_edoc2(_tx: Tx, _actor: None, prefix: str) -> Response:
    """The SDK sends neither a DocId nor a signature here, so there is nothing to give."""
    return Response(status=204)


@_operation("updateStatus")
def update_status(tx: Tx, _actor: None, prefix: str) -> Response:
    """Acknowledge a message of the list."""
    system = _caller(tx, prefix)
    operations.acknowledge(tx, system, _acknowledged(tx, system), system.value("status").lower())
    return _answer(answers.done())


def _acknowledged(tx: Tx, system: System) -> str:
    """Which message is acknowledged. The SDK's samples write `docid` here and `docId` for everything else, and its
    object repeats what was written before: the former counts, unless it was taken already and the other was not."""
    given = list(dict.fromkeys(system.spellings("docid"))) or [""]
    return (
        given[0] if len(given) == 1 else next((one for one in given if operations.is_open(tx, system, one)), given[0])
    )


@_operation("getSentEdocList")
def get_sent_edoc_list(tx: Tx, _actor: None, prefix: str) -> Response:
    """What became of what was sent."""
    system = _caller(tx, prefix)
    return _answer(answers.done(data=message_list.sent(tx, system, system.value("docId"), _kind(system))))


@_operation("countReceiveEdoc")
def count_receive_edoc(tx: Tx, _actor: None, prefix: str) -> Response:
    """How many documents wait."""
    system = _caller(tx, prefix)
    _note_poll(tx, system)
    return _answer(answers.done(count=message_list.count(tx, system, EDOC)))


@_operation("countReceiveStatus")
def count_receive_status(tx: Tx, _actor: None, prefix: str) -> Response:
    """How many statuses wait."""
    return _answer(answers.done(count=message_list.count(tx, _caller(tx, prefix), STATUS)))


@_operation("getAgenciesList")
def get_agencies_list(tx: Tx, _actor: None, prefix: str) -> Response:
    """The directory under the codes of the system's form."""
    return _answer(answers.done(data=operations.directory_list(tx, _caller(tx, prefix).code_form)))


@_operation("getAgenciesListQD20")
def get_agencies_list_qd20(tx: Tx, _actor: None, prefix: str) -> Response:
    """The directory under the codes of QĐ 20/2020; `level` has one known value and changes nothing."""
    _caller(tx, prefix)
    return _answer(answers.done(data=operations.directory_list_qd20(tx)))


@_operation("getSynchronizeUnit")
def get_synchronize_unit(tx: Tx, _actor: None, prefix: str) -> Response:
    """The directory with what is no more."""
    return _answer(answers.done(data=operations.synchronised_units(tx, _caller(tx, prefix).code_form)))


@_operation("registerAgency")
def register_agency(tx: Tx, _actor: None, prefix: str) -> Response:
    """Keep the entry of an agency of the system."""
    operations.register_agency(tx, _caller(tx, prefix), request.get_data())
    return _answer(answers.done())


@_operation("deleteAgency")
def delete_agency(tx: Tx, _actor: None, prefix: str) -> Response:
    """Always refused, with the reason."""
    system = _caller(tx, prefix)
    operations.delete_agency(tx, system, system.value("AgencyCode"))
    return _answer(answers.done())


_OPERATIONS = frozenset(endpoint.name for endpoint in routes.endpoints)
