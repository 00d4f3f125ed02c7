"""Operations of the evidence log. Open to all: they tell of hashes and numbers only, and a log that only some may
check proves little."""

from flask import Response, jsonify

from directory.actor import Actor
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.text import phrase
from signing.api_models import ConsistencyAsked, ConsistencyShown, HeadShown, ProofAsked, ProofShown
from signing.log import evidence_log

routes = Routes("log")
WHY = "hashes and numbers only; anybody may check that nothing was rewritten"


@routes.open_get(
    "/api/v1/log/head", reason=WHY, title=phrase("Mốc mới nhất của nhật ký bằng chứng"), answers={200: HeadShown}
)
def head(tx: Tx, actor: Actor | None) -> Response:
    """The newest signed head, which stands for everything in the log."""
    return jsonify(evidence_log.shown_in_full(evidence_log.head_for(tx)))


@routes.open_get(
    "/api/v1/log/heads/<int:size>",
    reason=WHY,
    title=phrase("Một mốc của nhật ký bằng chứng"),
    answers={200: HeadShown},
    refuses={404: "no head of that size was signed"},
)
def head_of_size(tx: Tx, actor: Actor | None, size: int) -> Response:
    """The head that was signed when the log had so many leaves; the same answer for ever."""
    return jsonify(evidence_log.shown_in_full(evidence_log.head_for(tx, size)))


@routes.open_get(
    "/api/v1/log/proof",
    reason=WHY,
    query=ProofAsked,
    title=phrase("Chứng minh một nội dung có trong nhật ký"),
    answers={200: ProofShown},
    refuses={404: "it is not in the log", 409: "not_yet_in_log: it has no number yet; ask again in a minute"},
)
def proof(tx: Tx, actor: Actor | None, asked: ProofAsked) -> Response:
    """The path from a leaf to the root of the newest head, or of the head of `size` (RFC 6962 §2.1.1)."""
    return jsonify(evidence_log.proof_shown(evidence_log.proof_for(tx, asked.kind, asked.sha256, asked.size or None)))


@routes.open_get(
    "/api/v1/log/consistency",
    reason=WHY,
    query=ConsistencyAsked,
    title=phrase("Chứng minh nhật ký chỉ được ghi thêm"),
    answers={200: ConsistencyShown},
    refuses={404: "the log was never that large"},
)
def consistency(tx: Tx, actor: Actor | None, asked: ConsistencyAsked) -> Response:
    """The proof that the log of `first` leaves is the beginning of that of `second` (RFC 6962 §2.1.2)."""
    path = evidence_log.consistency(tx, asked.first, asked.second)
    return jsonify(first=asked.first, second=asked.second, path=[one.hex() for one in path])
