"""Every act at the hub is in the log, and anybody can have that proved over HTTP."""

import hashlib

import sqlalchemy as sa
from flask import Flask

from docex.documents.models import Paper, PaperVerdict
from signing.log import evidence_log, merkle, receipts
from signing.log.models import LogLeaf
from tests.docex.hub.systems import System, a_file
from tests.docex.office import Office


def sequence(hub: Office) -> None:
    with hub.db.write() as tx:
        evidence_log.sequence(tx)


def is_proved(app: Flask, kind: str, digest: str) -> bool:
    """As a stranger checks it: head, key, proof, root."""
    http = app.test_client()
    told = http.get("/api/v1/log/head").get_json()
    keys = {key["kid"]: key for key in http.get("/api/v1/keys").get_json()["keys"]}
    head = receipts.checked(told["jws"], keys)
    assert head is not None
    assert (head["size"], head["root"]) == (told["size"], told["root"])
    answer = http.get(f"/api/v1/log/proof?kind={kind}&sha256={digest}&size={told['size']}")
    if answer.status_code != 200:
        return False
    proof = answer.get_json()
    assert f'"kind":"{kind}","sha256":"{digest}"' in proof["leaf"]
    path = [bytes.fromhex(one) for one in proof["path"]]
    leaf, root = merkle.leaf_hash(proof["leaf"].encode()), bytes.fromhex(head["root"])
    return merkle.is_included(leaf, proof["number"], head["size"], root, path)


def test_envelope_papers_receipts_and_verdicts_are_in_the_log(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    data = a_file(hub)
    told = near.hand_in(data).get_json()
    hub.work()
    sequence(hub)
    assert is_proved(app, "document", hashlib.sha256(data).hexdigest())
    assert is_proved(app, "receipt", hashlib.sha256(told["receipt"]["jws"].encode()).hexdigest())
    with hub.db.read() as tx:
        papers = list(tx.session.scalars(sa.select(Paper.sha256).where(Paper.dispatch_id == told["id"])))
        verdicts = [row.report for row in tx.session.scalars(sa.select(PaperVerdict))]
        assert tx.session.scalar(sa.select(sa.func.count()).where(LogLeaf.number.is_(None))) == 0
    assert papers
    assert verdicts
    assert all(is_proved(app, "document", digest) for digest in papers)
    assert all(is_proved(app, "verdict", hashlib.sha256(evidence_log.canonical(one)).hexdigest()) for one in verdicts)
    assert not is_proved(app, "document", "00" * 32)


def test_a_refused_letter_leaves_nothing_in_the_log(hub: Office, near: System, far: System) -> None:
    assert near.hand_in(b"<edXML/>").status_code == 422
    with hub.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(LogLeaf)) == 0


def test_the_log_only_grows_and_says_so(app: Flask, hub: Office, near: System, far: System) -> None:
    http, heads = app.test_client(), []
    assert http.get("/api/v1/log/head").status_code == 404
    for number in (1, 2, 3):
        near.hand_in(a_file(hub, number))
        sequence(hub)
        heads.append(http.get("/api/v1/log/head").get_json())
    assert http.get(f"/api/v1/log/heads/{heads[0]['size']}").get_json() == heads[0]
    for older in heads:
        asked = f"first={older['size']}&second={heads[-1]['size']}"
        path = http.get(f"/api/v1/log/consistency?{asked}").get_json()["path"]
        roots = [bytes.fromhex(head["root"]) for head in (older, heads[-1])]
        hashes = [bytes.fromhex(one) for one in path]
        assert merkle.is_consistent(older["size"], roots[0], heads[-1]["size"], roots[1], hashes)


def test_wrong_questions_get_clear_answers(app: Flask, hub: Office, near: System, far: System) -> None:
    http = app.test_client()
    near.hand_in(a_file(hub))
    sequence(hub)
    size = http.get("/api/v1/log/head").get_json()["size"]
    for path, status in (
        ("heads/999", 404),
        ("proof", 422),
        ("proof?kind=letter&sha256=" + "0" * 64, 422),
        ("proof?kind=document&sha256=ABC", 422),
        ("proof?kind=document&size=-1&sha256=" + "0" * 64, 422),
        ("consistency?first=0&second=1", 422),
        ("consistency?first=2&second=1", 404),
        (f"consistency?first=1&second={size + 1}", 404),
        (f"consistency?first=1&second={2**70}", 422),
    ):
        answer = http.get(f"/api/v1/log/{path}")
        assert answer.status_code == status, path
        assert set(answer.get_json()["message"]) == {"vi", "en"}


def test_a_receipt_is_proved_to_whom_it_belongs_once_it_has_its_number(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    receipt = near.hand_in(a_file(hub)).get_json()["receipt"]
    path = f"/api/v1/receipts/{receipt['id']}/proof"
    early = near.get(path)
    assert (early.status_code, early.get_json()["code"]) == (409, "not_yet_in_log")
    sequence(hub)
    proof = near.get(path).get_json()
    assert hashlib.sha256(receipt["jws"].encode()).hexdigest() in proof["leaf"]
    assert far.get(path).status_code == 404
    assert app.test_client().get(path).status_code == 401


def test_each_poll_brings_the_newest_head(hub: Office, near: System, far: System) -> None:
    assert far.get("/api/v1/inbox").get_json()["head"] is None
    near.hand_in(a_file(hub))
    sequence(hub)
    head = far.get("/api/v1/inbox").get_json()["head"]
    with hub.db.read() as tx:
        assert head == evidence_log.shown(evidence_log.head_for(tx))
