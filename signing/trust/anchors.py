"""Changing the trust store: one administrator proposes a root, another one confirms it by the fingerprint, which comes
from a source of their own: our pages do not show it to them.

Certificates between a root and a signer give no trust by themselves, so one administrator may add them. Everything is
in the audit chain of the instance.
"""

import re
from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa
from asn1crypto import x509

from directory import auditing
from directory.access import require_instance_admin
from directory.actor import Actor
from kernel import clock, refs
from kernel.db import Tx
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, WrongState
from kernel.refs import Described, Ref
from kernel.text import Phrase, one_line, phrase
from signing import topics
from signing.trust.holders import TEST_MARK
from signing.trust.models import Act, ChangeState, Intermediate, TrustChange, TrustedRoot
from signing.trust.trust_store import Purpose, label_of, load_certificate

TERM = timedelta(days=7)
"""How long a proposal waits for the second person."""

REASON_LENGTH = 500
_BETWEEN = re.compile(r"[\s:.-]")
"""What stands between the digits of printed fingerprints."""
_NO_DIGIT = re.compile(r"[^0-9a-f]")

CHAIN = "system"
CHANGE_PATH = "/admin/trust/changes/{id}"

auditing.words.update(
    {
        "signing.root_proposed": phrase("Đề nghị thay đổi kho tin cậy"),
        "signing.root_added": phrase("Tin cậy một chứng thư gốc"),
        "signing.root_removed": phrase("Thôi tin cậy một chứng thư gốc"),
        "signing.root_refused": phrase("Không đồng ý thay đổi kho tin cậy"),
        "signing.root_withdrawn": phrase("Rút đề nghị thay đổi kho tin cậy"),
        "signing.root_expired": phrase("Đề nghị thay đổi kho tin cậy hết hạn"),
        "signing.intermediate_added": phrase("Nạp chứng thư trung gian"),
        "signing.intermediate_removed": phrase("Gỡ chứng thư trung gian"),
        "signing.list_added": phrase("Nạp danh sách thu hồi"),
        "signing.certificate_held": phrase("Ghi nhận chứng thư trên thiết bị của người ký"),
        "signing.delegate": phrase("Ghi ủy quyền ký"),
        "signing.delegation_end": phrase("Kết thúc ủy quyền ký"),
        "hub.key_made": phrase("Tạo khóa ký biên nhận của hệ thống"),
    }
)


@refs.describes("trust-change")
def _described(tx: Tx, change_id: int) -> Described | None:
    row = tx.session.get(TrustChange, change_id)
    return Described(row.label, CHANGE_PATH.format(id=row.id)) if row is not None else None


def change_for(tx: Tx, actor: Actor, change_id: int) -> TrustChange:
    """A proposal, for the administrators of the instance; locked when the transaction writes."""
    require_instance_admin(tx, actor)
    row = tx.session.get(TrustChange, change_id, with_for_update=tx.writable, populate_existing=True)
    if row is None:
        raise NotFound()
    return row


def propose(
    tx: Tx,
    actor: Actor,
    certificate: bytes,
    purposes: Iterable[Purpose],
    reason: str,
    *,
    allow_test: bool = False,
) -> TrustChange:
    """Ask that a root (DER, PEM or PKCS#7) be trusted for `purposes`, in addition to none or in place of others.

    Nothing is trusted before another administrator has confirmed it. `allow_test` is for trial installations.
    """
    require_instance_admin(tx, actor)
    wanted = sorted(purpose.value for purpose in purposes)
    errors: dict[str, Phrase] = {}
    root = _loaded(certificate, errors)
    if root is None:
        pass
    elif not root.ca or root.self_signed == "no":
        errors["certificate"] = phrase("Đây không phải là chứng thư gốc của một tổ chức cấp chứng thư (CA).")
    elif _is_test(root) and not allow_test:
        errors["certificate"] = phrase("Đây là chứng thư thử nghiệm, không nạp được vào hệ thống chính thức.")
    elif root.not_valid_after < clock.now():
        errors["certificate"] = phrase("Chứng thư gốc này đã hết hạn.")
    if not wanted:
        errors["purposes"] = phrase("Chọn ít nhất một mục đích.")
    why = _reason(reason, errors)
    if errors or root is None:
        raise Invalid(errors)
    fingerprint = root.sha256.hex()
    trusted = tx.session.get(TrustedRoot, fingerprint)
    if trusted is not None and trusted.purposes == wanted:
        raise Conflict(phrase("Chứng thư gốc này đã được tin cậy cho đúng các mục đích đó."))
    return _propose(tx, actor, Act.ADD, root.dump(), wanted, label_of(root), why)


def propose_removal(tx: Tx, actor: Actor, sha256: str, reason: str) -> TrustChange:
    """Ask that a root be trusted no longer."""
    require_instance_admin(tx, actor)
    trusted = tx.session.get(TrustedRoot, sha256)
    if trusted is None:
        raise NotFound()
    errors: dict[str, Phrase] = {}
    why = _reason(reason, errors)
    if errors:
        raise Invalid(errors)
    return _propose(tx, actor, Act.REMOVE, trusted.certificate, list(trusted.purposes), trusted.label, why)


def confirm(tx: Tx, actor: Actor, change_id: int, fingerprint: str) -> TrustChange:
    """Another administrator agrees: the change takes effect. `fingerprint` is the SHA-256 as it was typed, all of it: a
    certificate that fits a part can be made.
    """
    change = _open(tx, actor, change_id)
    if change.proposed_by == actor.person_id:
        raise Forbidden(phrase("Người đề nghị không tự xác nhận được. Cần một quản trị viên khác."))
    typed = _BETWEEN.sub("", fingerprint).lower()
    if len(typed) < len(change.sha256):
        said = phrase("Cần nhập đủ 64 chữ số của dấu vân tay SHA-256, mới có {count}.", count=len(typed))
        raise Invalid({"fingerprint": said})
    if foreign := "".join(dict.fromkeys(_NO_DIGIT.findall(typed))):
        said = phrase("Dấu vân tay chỉ gồm chữ số 0–9 và chữ cái a–f, xin xem lại “{foreign}”.", foreign=foreign[:8])
        raise Invalid({"fingerprint": said})
    if typed != change.sha256:
        said = phrase("Không khớp với dấu vân tay của chứng thư này. Xin đối chiếu lại với nguồn chính thức.")
        raise Invalid({"fingerprint": said})
    root = load_certificate(change.certificate)
    if root.sha256.hex() != change.sha256:
        raise WrongState(phrase("Chứng thư đã bị thay đổi trong cơ sở dữ liệu, không xác nhận được."))
    if change.act == Act.ADD:
        _trust(tx, change, root)
    else:
        tx.session.execute(sa.delete(TrustedRoot).where(TrustedRoot.sha256 == change.sha256))
    _decide(tx, actor, change, ChangeState.CONFIRMED)
    _record(tx, "signing.root_added" if change.act == Act.ADD else "signing.root_removed", change)
    return change


def refuse(tx: Tx, actor: Actor, change_id: int, remark: str) -> TrustChange:
    """Another administrator does not agree, and says why."""
    change = _open(tx, actor, change_id)
    if change.proposed_by == actor.person_id:
        raise Forbidden(phrase("Đề nghị của chính bạn thì rút lại, không từ chối."))
    errors: dict[str, Phrase] = {}
    change.remark = _reason(remark, errors)
    if errors:
        raise Invalid(errors)
    _decide(tx, actor, change, ChangeState.REFUSED)
    _record(tx, "signing.root_refused", change, remark=change.remark)
    return change


def withdraw(tx: Tx, actor: Actor, change_id: int) -> TrustChange:
    """Whoever proposed it takes it back."""
    change = _open(tx, actor, change_id)
    if change.proposed_by != actor.person_id:
        raise Forbidden(phrase("Chỉ người đề nghị được rút lại."))
    _decide(tx, actor, change, ChangeState.WITHDRAWN)
    _record(tx, "signing.root_withdrawn", change)
    return change


def expire(tx: Tx, change_id: int) -> None:
    """Nobody confirmed it in time. Does nothing to one that was decided."""
    change = tx.session.get(TrustChange, change_id, with_for_update=True, populate_existing=True)
    if change is None or change.state != ChangeState.PROPOSED or clock.now() < change.expires_at:
        return
    change.state, change.decided_at = ChangeState.EXPIRED, clock.now()
    _record(tx, "signing.root_expired", change)


def add_intermediate(tx: Tx, actor: Actor, certificate: bytes) -> Intermediate:
    """Keep an issuing authority's certificate. Invalid for one that is no authority, or a root."""
    require_instance_admin(tx, actor)
    found = load_certificate(certificate)
    if not found.ca or found.self_signed != "no":
        said = phrase("Đây không phải là chứng thư của CA trung gian. Chứng thư gốc cần hai người xác nhận.")
        raise Invalid({"certificate": said})
    fingerprint = found.sha256.hex()
    kept = tx.session.get(Intermediate, fingerprint)
    if kept is not None:
        raise Conflict(phrase("Chứng thư trung gian này đã được nạp."))
    row = Intermediate(
        sha256=fingerprint,
        certificate=found.dump(),
        label=label_of(found),
        added_by=actor.person_id,
        added_at=clock.now(),
    )
    tx.session.add(row)
    tx.audit(CHAIN, "signing.intermediate_added", detail={"sha256": fingerprint, "label": row.label})
    return row


def remove_intermediate(tx: Tx, actor: Actor, sha256: str) -> None:
    """Keep it no longer. Chains that need it become unclear, never valid."""
    require_instance_admin(tx, actor)
    row = tx.session.get(Intermediate, sha256)
    if row is None:
        raise NotFound()
    tx.session.delete(row)
    tx.audit(CHAIN, "signing.intermediate_removed", detail={"sha256": sha256, "label": row.label})


def _propose(
    tx: Tx, actor: Actor, act: Act, certificate: bytes, purposes: list[str], label: str, reason: str
) -> TrustChange:
    fingerprint = x509.Certificate.load(certificate).sha256.hex()
    now = clock.now()
    change = TrustChange(
        act=act,
        sha256=fingerprint,
        certificate=certificate,
        purposes=purposes,
        label=label,
        reason=reason,
        proposed_by=actor.person_id,
        proposed_at=now,
        expires_at=now + TERM,
    )
    tx.session.add(change)
    try:
        tx.session.flush()
    except sa.exc.IntegrityError:  # the index lets one proposal about a certificate wait
        raise Conflict(phrase("Chứng thư này đang có một đề nghị chờ xác nhận.")) from None
    tx.outbox(topics.TRUST_EXPIRE, str(change.id), {"change_id": change.id}, due_at=change.expires_at)
    _record(tx, "signing.root_proposed", change, reason=reason)
    return change


def _trust(tx: Tx, change: TrustChange, root: x509.Certificate) -> None:
    row = TrustedRoot(
        sha256=change.sha256,
        certificate=change.certificate,
        purposes=list(change.purposes),
        label=change.label,
        test=_is_test(root),
        change_id=change.id,
        added_at=clock.now(),
    )
    tx.session.merge(row)


def _open(tx: Tx, actor: Actor, change_id: int) -> TrustChange:
    change = change_for(tx, actor, change_id)
    if change.state != ChangeState.PROPOSED or clock.now() >= change.expires_at:
        raise WrongState(phrase("Đề nghị này không còn chờ xác nhận."))
    return change


def _decide(tx: Tx, actor: Actor, change: TrustChange, state: ChangeState) -> None:
    change.state, change.decided_by, change.decided_at = state, actor.person_id, clock.now()
    tx.session.flush()


def _record(tx: Tx, action: str, change: TrustChange, **more: str) -> None:
    facts = {"act": str(change.act), "sha256": change.sha256, "label": change.label, "purposes": list(change.purposes)}
    tx.audit(CHAIN, action, Ref("trust-change", change.id), {**facts, **more})


def _loaded(certificate: bytes, errors: dict[str, Phrase]) -> x509.Certificate | None:
    """The certificate; what is wrong with the file is told together with the other fields."""
    try:
        return load_certificate(certificate)
    except Invalid as refusal:
        errors.update(refusal.fields)
        return None


def _reason(reason: str, errors: dict[str, Phrase]) -> str:
    why = one_line(reason)[:REASON_LENGTH]
    if not why:
        errors["reason"] = phrase("Cần nêu lý do.")
    return why


def _is_test(root: x509.Certificate) -> bool:
    return TEST_MARK in root.subject.human_friendly
