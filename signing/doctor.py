"""Self-checks of this room: whom we trust, how old the revocation lists are, whether time-stamps can be had and count,
and whether keys and pictures of seals are there."""

import hashlib
from datetime import UTC, datetime

import sqlalchemy as sa
from asn1crypto import cms, crl, x509

from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.doctor import Finding, Health, check
from kernel.errors import Invalid, Unavailable
from kernel.text import Phrase, phrase
from signing.archive import preservation
from signing.keys import key_settings
from signing.keys.pkcs11 import TokenKeyStore
from signing.log import receipts
from signing.pdf import seal_images
from signing.pdf.pades import run
from signing.pdf.timestamps import HttpTimeStamps, token_over
from signing.sandbox import confinement, runner
from signing.testca.authority import ADDRESS
from signing.testca.trial import trust_seen
from signing.trust.holders import read_holder
from signing.trust.models import ChangeState, TrustChange
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code
from signing.verification.embedded_proofs import Carried, Doubt, verify_token
from signing.verification.file_verification import verify

# A self-check must not hang: the slow answers of a busy authority are for the jobs to wait for.
_TSA_TIMEOUT_S = 15
_ASKED = b"lienthong doctor"


@check("trust")
def trust_store(config: Config) -> Finding:
    """Whether any root is trusted, and whether each still matches its pin."""
    trust, waiting = _store(config)
    if trust.broken:
        return Finding(
            "trust",
            Health.BAD,
            phrase("Chứng thư gốc {names} không khớp với dấu vân tay đã ghim.", names=", ".join(trust.broken)),
            phrase("Có người đã sửa kho tin cậy ngoài quy trình hai người. Báo người phụ trách an toàn thông tin."),
        )
    if trust.empty:
        return Finding(
            "trust",
            Health.POOR if config.mode == "demo" else Health.BAD,
            phrase("Kho tin cậy trống, nên chưa chữ ký nào được coi là hợp lệ."),
            phrase("Có {count} đề nghị chờ người thứ hai xác nhận ở trang Kho tin cậy.", count=waiting)
            if waiting
            else phrase("Nạp chứng thư gốc ở trang Kho tin cậy (cần hai quản trị viên); `lienthong pki test` để thử."),
        )
    count = len(trust.anchors)
    if any(anchor.test for anchor in trust.anchors):
        return Finding(
            "trust",
            Health.GOOD if config.mode == "demo" else Health.BAD,
            phrase("Tin cậy {count} chứng thư gốc, trong đó có CHỨNG THƯ THỬ NGHIỆM.", count=count),
            phrase("Chỉ dùng để thử; chữ ký thử nghiệm không có giá trị pháp lý."),
        )
    return Finding("trust", Health.GOOD, phrase("Tin cậy {count} chứng thư gốc.", count=count))


@check("revocation")
def revocation_lists(config: Config) -> Finding:
    """Whether the cached revocation lists still hold; an ended one makes every verdict unclear."""
    trust, _ = _store(config)
    if trust.empty:
        return Finding("revocation", Health.OFF, phrase("Chưa có chứng thư gốc nên chưa cần danh sách thu hồi."))
    ends = _earliest_end(trust)
    if ends is None:
        return Finding(
            "revocation",
            Health.POOR,
            phrase("Chưa có danh sách thu hồi nào, nên chưa chữ ký nào được coi là hợp lệ."),
            phrase("Hệ thống tự hỏi khi có chữ ký đầu tiên; nạp chứng thư trung gian thì hỏi ngay."),
        )
    on = ends.astimezone(clock.VN).strftime("%d/%m/%Y %H:%M")
    if config.mode == "demo" and all(anchor.test for anchor in trust.anchors):
        return Finding("revocation", Health.GOOD, _in_a_trial(config, on))
    if ends < clock.now():
        return Finding(
            "revocation",
            Health.BAD,
            phrase("Danh sách thu hồi đã hết hạn lúc {on}.", on=on),
            phrase("Xem mục Thông tin thu hồi ở trang Kho tin cậy; với bản thử, chạy lại `lienthong pki test`."),
        )
    return Finding("revocation", Health.GOOD, phrase("Danh sách thu hồi còn hiệu lực đến {on}.", on=on))


def _in_a_trial(config: Config, on: str) -> Phrase:
    """Who is asked about test certificates: the test authority's own lists; its services only when certificates name
    their address (signing/testca/authority.py)."""
    if (config.pki_dir / ADDRESS).exists():
        return phrase(
            "Bản thử: danh sách thu hồi do CHỨNG THƯ THỬ NGHIỆM cấp, có hạn đến {on}, tự cấp lại khi kiểm tra chữ ký; "
            "CRL và OCSP chỉ được hỏi ở dịch vụ thử nghiệm, không hỏi đơn vị chứng thực nào.",
            on=on,
        )
    return phrase(
        "Bản thử: danh sách thu hồi do CHỨNG THƯ THỬ NGHIỆM cấp, có hạn đến {on}, tự cấp lại khi kiểm tra chữ ký; "
        "không hỏi CRL hay OCSP của đơn vị chứng thực nào.",
        on=on,
    )


@check("tsa")
def time_stamps(config: Config) -> Finding:
    """Whether the time-stamp authority answers with a time-stamp, and whether verdicts would count it."""
    if not config.tsa_url and config.mode == "demo":
        return Finding(
            "tsa",
            Health.GOOD,
            phrase("Bản thử: dấu thời gian do CHỨNG THƯ THỬ NGHIỆM cấp, chữ ký được nâng mức nhưng không có giá trị."),
        )
    if not config.tsa_url:
        return Finding(
            "tsa",
            Health.OFF,
            phrase("Chưa khai báo đơn vị cấp dấu thời gian; chữ ký dừng ở mức B-B."),
            phrase("Đặt LIENTHONG_TSA_URL, ví dụ địa chỉ của Ban Cơ yếu Chính phủ."),
        )
    try:
        token = token_over(_imprint("sha256"), HttpTimeStamps(config.tsa_url, _TSA_TIMEOUT_S))
    except (Unavailable, ValueError):
        return Finding(
            "tsa",
            Health.POOR,
            phrase("Đơn vị cấp dấu thời gian không trả lời trong {seconds} giây.", seconds=_TSA_TIMEOUT_S),
            phrase("Kiểm tra LIENTHONG_TSA_URL và đường mạng; văn bản vẫn ký được ở mức B-B."),
        )
    trust, _ = _store(config)
    return _worth(token, trust)


def _imprint(algorithm: str) -> bytes:
    return hashlib.new(algorithm, _ASKED).digest()


def _worth(token: bytes, trust: Trust) -> Finding:
    """What a time-stamp over `_ASKED` that was just given proves here."""
    signed = cms.ContentInfo.load(token)["content"]
    verified = run(verify_token(signed, _imprint, "tsa", trust, clock.now(), Carried()))
    if not isinstance(verified, Doubt):
        return Finding("tsa", Health.GOOD, phrase("Đơn vị cấp dấu thời gian trả lời tốt."))
    if verified.reason.code == Code.TIMESTAMP_ORDER:
        return Finding(
            "tsa",
            Health.BAD,
            phrase("Đồng hồ máy này chậm hơn đơn vị cấp dấu thời gian, nên dấu thời gian chưa được tính."),
            phrase("Đồng bộ đồng hồ của máy (NTP)."),
        )
    if verified.path:
        return Finding(
            "tsa",
            Health.POOR,
            phrase("Chưa biết chứng thư của đơn vị cấp dấu thời gian có bị thu hồi không, nên chưa dùng được."),
            phrase("Hệ thống tự hỏi khi có văn bản đầu tiên; xem mục Thông tin thu hồi ở trang Kho tin cậy."),
        )
    return Finding(
        "tsa",
        Health.BAD,
        phrase("Đơn vị cấp dấu thời gian trả lời nhưng không được tin cậy ở đây, nên dấu thời gian không được tính."),
        phrase("Nạp chứng thư gốc của đơn vị này ở trang Kho tin cậy với mục đích cấp dấu thời gian, rồi thử lại."),
    )


@check("keys")
def keys(config: Config) -> Finding:
    """Whether each key of the settings can be used: the token is there, the PIN is right, the certificate holds."""
    try:
        named = key_settings.entries(config)
    except key_settings.BadEntry as error:
        return Finding("keys", Health.BAD, error.why, _KEYS_HINT)
    if not named and config.mode == "demo":
        return Finding(
            "keys",
            Health.GOOD,
            phrase("Bản thử: máy chủ ký và đóng dấu thay mọi người bằng khoá thử nghiệm trong pki."),
        )
    if not named:
        return Finding(
            "keys", Health.OFF, phrase("Chưa khai báo khoá con dấu nào; con dấu ký bằng thiết bị của văn thư.")
        )
    for entry in named:
        try:
            store = key_settings.store_at(config, entry)
            if isinstance(store, TokenKeyStore):
                store.check()
            holder = read_holder(x509.Certificate.load(store.describe().certificate))
        except (key_settings.BadEntry, Unavailable) as error:
            why = error.why if isinstance(error, key_settings.BadEntry) else error.message
            return Finding("keys", Health.BAD, phrase("{owner}: {why}", owner=entry.owner, why=why), _KEYS_HINT)
        if holder.not_after <= clock.now():
            why = phrase("{owner}: chứng thư đã hết hạn ngày {on}.", owner=entry.owner, on=_day(holder.not_after))
            return Finding("keys", Health.BAD, why, _KEYS_HINT)
    return Finding("keys", Health.GOOD, phrase("{count} khoá trong LIENTHONG_KEYS dùng được.", count=len(named)))


@check("stamps")
def pictures_of_seals(config: Config) -> Finding:
    """Whether there is a usable picture of each seal that this server applies."""
    if config.mode == "demo":
        return Finding("stamps", Health.OFF, phrase("Bản thử dùng con dấu mẫu ghi CHỨNG THƯ THỬ NGHIỆM."))
    codes = _sealed_here(config)
    if not codes:
        return Finding(
            "stamps", Health.OFF, phrase("Máy chủ không đóng dấu cho cơ quan nào nên không cần ảnh con dấu.")
        )
    missing = []
    for code in codes:
        try:
            if seal_images.seal_picture(config, code) is None:
                missing.append(seal_images.seal_file(config, code).name)
        except Invalid as error:
            return Finding("stamps", Health.BAD, error.message, _STAMPS_HINT)
    if missing:
        said = phrase("Thiếu ảnh con dấu {files}: văn bản chỉ hiện tên cơ quan và giờ ký.", files=", ".join(missing))
        return Finding("stamps", Health.POOR, said, _STAMPS_HINT)
    return Finding("stamps", Health.GOOD, phrase("Có ảnh của {count} con dấu.", count=len(codes)))


def _sealed_here(config: Config) -> list[str]:
    """The codes of agencies whose seal lies at this server; what cannot be read is told by the check of keys."""
    try:
        return sorted({entry.whose for entry in key_settings.entries(config) if entry.kind == key_settings.SEAL})
    except key_settings.BadEntry:
        return []


@check("receipts")
def receipts_key(config: Config) -> Finding:
    """Whether the key of receipts and log heads is more than a file that anybody with a copy of the folder can use."""
    if key_settings.names_system(config):
        return Finding("receipts", Health.GOOD, phrase("Khoá ký biên nhận do LIENTHONG_KEYS chỉ định."))
    if receipts.lies_in_the_clear(config):
        return Finding(
            "receipts",
            Health.GOOD if config.mode == "demo" else Health.POOR,
            phrase("Khoá ký biên nhận nằm trong hub/receipts.pem và không được mã hoá."),
            phrase(
                "Đặt LIENTHONG_KEY_PASSPHRASE_FILE: tệp được mã hoá ở lần đọc sau; hoặc khai báo system=… trên HSM."
            ),
        )
    return Finding("receipts", Health.GOOD, phrase("Khoá ký biên nhận được mã hoá hoặc chưa được tạo."))


@check("isolation")
def strangers_files(config: Config) -> Finding:
    """Whether the kernel confines the processes that read strangers' files, and lets them do their work."""
    runner.configure(config)
    try:
        held_by = runner.run_sandboxed(confinement.in_force)
        runner.run_sandboxed(verify, b"%PDF-1.7\n%%EOF\n", Trust(), policy_for(DocumentKind.PUBLIC))
    except runner.SandboxError as broken:
        return Finding(
            "isolation",
            Health.BAD,
            phrase("Tiến trình đọc tệp lạ không làm việc được: {reason}", reason=runner.error_phrase(broken)),
            phrase("Xem nhật ký; kiểm tra LIENTHONG_ISOLATED_MEMORY_MB và các lệnh mà container chặn."),
        )
    missing = {confinement.LANDLOCK, confinement.SECCOMP} - set(held_by)
    if missing:
        return Finding(
            "isolation",
            Health.POOR,
            phrase(
                "Nhân Linux này không có {what}: tiến trình đọc tệp lạ ít bị giới hạn hơn.", what=", ".join(missing)
            ),
            phrase("Cần Linux 5.13 trở lên có Landlock và seccomp; container không được chặn các lệnh đó."),
        )
    return Finding(
        "isolation", Health.GOOD, phrase("Mỗi tệp lạ được đọc trong một tiến trình riêng, không mạng, không tệp khác.")
    )


_STAMPS_HINT = phrase(
    "Đặt ảnh PNG nền trong suốt, vuông, mỗi cạnh từ 210 điểm ảnh vào thư mục LIENTHONG_STAMPS_DIR; "
    "xem docs/operations.md."
)
_KEYS_HINT = phrase(
    "Kiểm tra LIENTHONG_KEYS, LIENTHONG_PKCS11_MODULE và LIENTHONG_PKCS11_PIN_FILE; xem docs/operations.md."
)


def _day(at: datetime) -> str:
    return at.astimezone(clock.VN).strftime("%d/%m/%Y")


@check("archive")
def kept_papers(config: Config) -> Finding:
    """Whether papers wait too long for a time-stamp, for authorities' answers, or for their renewal."""
    db = Database(config.sql_url)
    try:
        with db.read() as tx:
            late = preservation.late(tx)
    finally:
        db.close()
    if late.renewals:
        return Finding(
            "archive",
            Health.BAD,
            phrase("{count} văn bản quá hạn gia hạn dấu thời gian lưu trữ.", count=late.renewals),
            phrase("Kiểm tra LIENTHONG_TSA_URL; sau khi chứng thư dấu thời gian hết hạn thì không cứu được nữa."),
        )
    if late.stamps:
        since = late.since.astimezone(clock.VN).strftime("%d/%m/%Y %H:%M") if late.since else ""
        return Finding(
            "archive",
            Health.POOR,
            phrase("{count} văn bản chờ dấu thời gian quá một ngày, lâu nhất từ {at}.", count=late.stamps, at=since),
            phrase("Kiểm tra LIENTHONG_TSA_URL và đường mạng tới đơn vị cấp dấu thời gian."),
        )
    if late.answers:
        return Finding(
            "archive",
            Health.POOR,
            phrase("{count} văn bản chờ thông tin về chứng thư quá một tuần.", count=late.answers),
            phrase("Xem kho tin cậy: thiếu chứng thư gốc, hoặc không hỏi được thông tin thu hồi."),
        )
    return Finding("archive", Health.GOOD, phrase("Không văn bản nào chờ quá lâu để nâng mức chữ ký."))


def _store(config: Config) -> tuple[Trust, int]:
    """What is trusted, and how many proposals wait for a second person."""
    db = Database(config.sql_url)
    try:
        with db.read() as tx:
            open_ones = sa.select(sa.func.count()).where(TrustChange.state == ChangeState.PROPOSED)
            return trust_seen(tx, config), tx.session.scalar(open_ones) or 0
    finally:
        db.close()


def _earliest_end(trust: Trust) -> datetime | None:
    ends = [crl.CertificateList.load(data)["tbs_cert_list"]["next_update"].native for data in trust.crls]
    never = datetime.max.replace(tzinfo=UTC)
    return min((end or never for end in ends), default=None)
