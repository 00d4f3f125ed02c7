"""Reading the audit chains: who did what to which thing, and whether the chain is whole."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from directory.access import administered, is_instance_admin
from directory.actor import Actor, chain_of
from directory.models import Agency, ApiClient, Person
from kernel import audit, refs
from kernel.audit import AuditChain, AuditEntry
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.text import Phrase, collation_key, phrase

PAGE = 50

words: dict[str, Phrase] = {
    "directory.agency_changed": phrase("Sửa thông tin cơ quan"),
    "directory.agency_founded": phrase("Thêm cơ quan"),
    "directory.agency_merged": phrase("Ghi nhận sáp nhập cơ quan"),
    "directory.agency_switched": phrase("Chuyển cơ quan làm việc"),
    "directory.alias_added": phrase("Thêm mã khác của cơ quan"),
    "directory.alias_removed": phrase("Gỡ mã khác của cơ quan"),
    "directory.client_code_form_set": phrase("Đặt dạng mã cơ quan của hệ thống"),
    "directory.client_contact_set": phrase("Đặt người phụ trách kỹ thuật của ứng dụng"),
    "directory.client_key_registered": phrase("Đăng ký khóa công khai hoặc chứng thư của ứng dụng"),
    "directory.client_registered": phrase("Đăng ký ứng dụng kết nối"),
    "directory.client_revoked": phrase("Thu hồi ứng dụng kết nối"),
    "directory.client_secret_renewed": phrase("Đổi khóa ứng dụng kết nối"),
    "directory.demo_seeded": phrase("Tạo dữ liệu mẫu"),
    "directory.identity_linked": phrase("Liên kết đăng nhập một lần"),
    "directory.imported": phrase("Nhập danh sách từ tệp CSV"),
    "directory.merger_undone": phrase("Hủy ghi nhận sáp nhập"),
    "directory.password_changed": phrase("Đổi mật khẩu"),
    "directory.password_given": phrase("Cấp mật khẩu tạm"),
    "directory.person_added": phrase("Thêm người dùng"),
    "directory.person_changed": phrase("Sửa thông tin người dùng"),
    "directory.person_left": phrase("Gỡ người dùng khỏi cơ quan"),
    "directory.person_settled": phrase("Xếp vị trí công tác"),
    "directory.recovery_codes_renewed": phrase("Tạo lại mã dự phòng"),
    "directory.roles_changed": phrase("Đổi vai trò"),
    "directory.session_ended": phrase("Kết thúc một phiên đăng nhập"),
    "directory.sessions_ended": phrase("Kết thúc các phiên đăng nhập"),
    "directory.sign_in_locked": phrase("Tạm khóa đăng nhập vì sai nhiều lần"),
    "directory.signed_in": phrase("Đăng nhập"),
    "directory.signed_out": phrase("Đăng xuất"),
    "directory.totp_disabled": phrase("Tắt xác thực hai bước"),
    "directory.totp_enabled": phrase("Bật xác thực hai bước"),
    "directory.totp_lifted": phrase("Gỡ xác thực hai bước của người dùng"),
    "directory.unit_added": phrase("Thêm đơn vị"),
    "directory.unit_changed": phrase("Sửa đơn vị"),
    "directory.unit_removed": phrase("Gỡ đơn vị"),
    "directory.workday_cleared": phrase("Gỡ ngày ngoại lệ"),
    "directory.workday_set": phrase("Đặt ngày ngoại lệ"),
    "store.swept": phrase("Dọn tệp không còn dùng"),
}
"""What an action is called; a room adds its own, and one without words is shown by its code."""


@dataclass(frozen=True)
class ChainCard:
    """A chain that the reader may see."""

    name: str
    label: Phrase | str
    length: int


@dataclass(frozen=True)
class EntryCard:
    """One act, in words. `thing_url` is empty when the thing has no page."""

    seq: int
    at: datetime
    by: Phrase | str
    action: Phrase | str
    thing: str
    thing_url: str
    detail: dict[str, Any]
    hash: str


@dataclass(frozen=True)
class Leaf:
    """A page of a chain, newest first. `older` is the number to continue below, 0 at the end."""

    entries: list[EntryCard]
    older: int


def chains(tx: Tx, actor: Actor) -> list[ChainCard]:
    """The chains of the agencies that the actor administers, and the instance's own for its administrators."""
    scope = administered(tx, actor)
    rows = tx.session.scalars(sa.select(Agency).where(Agency.id.in_(scope)))
    names: dict[str, Phrase | str] = {}
    if is_instance_admin(tx, actor):
        names["system"] = phrase("Toàn hệ thống")
    for row in sorted(rows, key=lambda agency: collation_key(agency.name)):
        names[chain_of(row.id)] = row.name
    lengths = {chain.name: chain.length for chain in tx.session.scalars(sa.select(AuditChain))}
    # An agency with no act yet has nothing to show, except one's own, where the page starts.
    kept = {"system", chain_of(actor.agency_id)} | lengths.keys()
    return [ChainCard(name, label, lengths.get(name, 0)) for name, label in names.items() if name in kept]


def leaf(tx: Tx, actor: Actor, chain: str, below: int = 0) -> Leaf:
    """A page of acts; `below` is `Leaf.older` of the page before, or 0 to start with the newest."""
    _readable(tx, actor, chain)
    query = sa.select(AuditEntry).where(AuditEntry.chain == chain)
    if below > 0:
        query = query.where(AuditEntry.seq < below)
    rows = list(tx.session.scalars(query.order_by(AuditEntry.seq.desc()).limit(PAGE)))
    names = _names(tx, {row.by for row in rows})
    cards = [_card(tx, row, names) for row in rows]
    return Leaf(cards, cards[-1].seq if cards and cards[-1].seq > 1 else 0)


def first_break(tx: Tx, actor: Actor, chain: str) -> int | None:
    """The number of the first entry that does not fit its chain, or None when the chain is whole."""
    _readable(tx, actor, chain)
    return audit.first_break(tx, chain)


def _readable(tx: Tx, actor: Actor, chain: str) -> None:
    if chain not in {card.name for card in chains(tx, actor)}:
        raise NotFound()


def _names(tx: Tx, who: set[str]) -> dict[str, Phrase | str]:
    """Names of people and systems by how they stand in entries."""
    ids: dict[str, set[int]] = {"person": set(), "client": set()}
    for by in who:
        kind, _, text = by.partition(":")
        number = refs.row_id(text)
        if number is not None and kind in {"person", "link", "client"}:
            ids["client" if kind == "client" else "person"].add(number)
    people = tx.session.execute(sa.select(Person.id, Person.name).where(Person.id.in_(ids["person"]))).all()
    clients = tx.session.execute(sa.select(ApiClient.id, ApiClient.name).where(ApiClient.id.in_(ids["client"]))).all()
    return {
        "system": phrase("Hệ thống"),
        "operator": phrase("Người vận hành, bằng dòng lệnh"),
        "mail-door": phrase("Cửa nhận thư điện tử"),
        **{by: phrase("Hệ thống, việc nền") for by in who if by == "worker" or by.startswith("job:")},
        **{f"person:{number}": name for number, name in people},
        **{f"link:{number}": name for number, name in people},
        **{f"client:{number}": name for number, name in clients},
    }


def _card(tx: Tx, row: AuditEntry, names: dict[str, Phrase | str]) -> EntryCard:
    described = _described(tx, row.ref)
    return EntryCard(
        seq=row.seq,
        at=row.at,
        by=names.get(row.by, row.by),
        action=words.get(row.action, row.action),
        thing=described.title if described else row.ref,
        thing_url=described.url if described else "",
        detail={name: _readable_value(value) for name, value in row.detail.items()},
        hash=row.hash,
    )


def _readable_value(value: Any) -> Any:
    return Phrase.from_json(value) if isinstance(value, dict) and value.keys() == {"msgid", "params"} else value


def _described(tx: Tx, ref: str) -> refs.Described | None:
    kind, _, text = ref.partition(":")
    number = refs.row_id(text)
    return None if number is None else refs.describe(tx, refs.Ref(kind, number))
