"""Every finding that a verification can make: its weight, its ETSI sub-indication and its sentence."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kernel.text import Phrase, phrase
from signing.verdicts.verdict import Reason, Value


class Code(StrEnum):
    """Stable names of findings; pages, tests and foreign systems may rely on them."""

    NOT_PDF = "NOT_PDF"
    UNREADABLE = "UNREADABLE"
    LENIENT_READING = "LENIENT_READING"
    NO_SIGNATURE = "NO_SIGNATURE"
    ACTIVE_CONTENT = "ACTIVE_CONTENT"
    UNKNOWN_FORMAT = "UNKNOWN_FORMAT"
    TOO_COMPLICATED = "TOO_COMPLICATED"
    SIGNATURE_UNREADABLE = "SIGNATURE_UNREADABLE"
    NO_CERTIFICATE = "NO_CERTIFICATE"
    COVERAGE = "COVERAGE"
    CONTENT_CHANGED = "CONTENT_CHANGED"
    SIGNATURE_BROKEN = "SIGNATURE_BROKEN"
    EDITED_AFTER_SIGNING = "EDITED_AFTER_SIGNING"
    ADDED_AFTER_SIGNING = "ADDED_AFTER_SIGNING"
    STRUCTURE_UNCLEAR = "STRUCTURE_UNCLEAR"
    LOOKS_DIFFERENT = "LOOKS_DIFFERENT"
    COVERS_CONTENT = "COVERS_CONTENT"
    TRAILING_BYTES = "TRAILING_BYTES"
    REVOKED = "REVOKED"
    AUTHORITY_REVOKED = "AUTHORITY_REVOKED"
    REVOCATION_UNKNOWN = "REVOCATION_UNKNOWN"
    REVOCATION_STALE = "REVOCATION_STALE"
    UNKNOWN_AUTHORITY = "UNKNOWN_AUTHORITY"
    SELF_SIGNED = "SELF_SIGNED"
    CHAIN_BROKEN = "CHAIN_BROKEN"
    EXPIRED_WHEN_SIGNED = "EXPIRED_WHEN_SIGNED"
    EXPIRED_NO_PROOF = "EXPIRED_NO_PROOF"
    NOT_YET_VALID = "NOT_YET_VALID"
    WRONG_PURPOSE = "WRONG_PURPOSE"
    PURPOSE_UNCLEAR = "PURPOSE_UNCLEAR"
    WEAK_ALGORITHM = "WEAK_ALGORITHM"
    LOOSE_CERTIFICATE = "LOOSE_CERTIFICATE"
    HOLDER_UNKNOWN = "HOLDER_UNKNOWN"
    PERSON_MISSING = "PERSON_MISSING"
    SEAL_MISSING = "SEAL_MISSING"
    SIGNERS_TOO_FEW = "SIGNERS_TOO_FEW"
    SEAL_BEFORE_PERSON = "SEAL_BEFORE_PERSON"
    OTHER_AGENCY_SEAL = "OTHER_AGENCY_SEAL"
    OTHER_AGENCY_PERSON = "OTHER_AGENCY_PERSON"
    SIGNER_OTHER = "SIGNER_OTHER"
    TITLE_DIFFERS = "TITLE_DIFFERS"
    NOT_DELEGATED = "NOT_DELEGATED"
    LEVEL_TOO_LOW = "LEVEL_TOO_LOW"
    TIMESTAMP_BROKEN = "TIMESTAMP_BROKEN"
    TIMESTAMP_UNTRUSTED = "TIMESTAMP_UNTRUSTED"
    TIMESTAMP_ORDER = "TIMESTAMP_ORDER"
    SELF_DECLARED_TIME = "SELF_DECLARED_TIME"
    CLOCK_SEVEN_HOURS_FAST = "CLOCK_SEVEN_HOURS_FAST"
    TIME_IN_FUTURE = "TIME_IN_FUTURE"
    TEST_CERTIFICATE = "TEST_CERTIFICATE"
    ENVELOPE_UNSIGNED = "ENVELOPE_UNSIGNED"
    ENVELOPE_MALFORMED = "ENVELOPE_MALFORMED"
    ENVELOPE_REFUSED = "ENVELOPE_REFUSED"
    ENVELOPE_METHOD = "ENVELOPE_METHOD"
    ENVELOPE_NO_CERTIFICATE = "ENVELOPE_NO_CERTIFICATE"
    ENVELOPE_PARTLY = "ENVELOPE_PARTLY"
    ENVELOPE_OTHER_SENDER = "ENVELOPE_OTHER_SENDER"
    ENVELOPE_TRACES_ADDED = "ENVELOPE_TRACES_ADDED"
    CANNOT_JUDGE = "CANNOT_JUDGE"
    JUDGING_CRASHED = "JUDGING_CRASHED"
    JUDGING_TOO_LONG = "JUDGING_TOO_LONG"
    JUDGING_TOO_MUCH = "JUDGING_TOO_MUCH"
    TOO_LARGE = "TOO_LARGE"


@dataclass(frozen=True)
class _Kind:
    weight: Value
    etsi: str
    text: Phrase


_I, _U, _V = Value.INVALID, Value.UNCLEAR, Value.VALID

_KINDS: dict[Code, _Kind] = {
    Code.NOT_PDF: _Kind(_U, "FORMAT_FAILURE", phrase("Tệp không phải là PDF nên không có chữ ký số để kiểm tra.")),
    Code.UNREADABLE: _Kind(_I, "FORMAT_FAILURE", phrase("Tệp PDF bị hỏng, không đọc được.")),
    Code.LENIENT_READING: _Kind(
        _U, "FORMAT_FAILURE", phrase("Tệp PDF không đúng chuẩn, chỉ đọc được khi bỏ qua lỗi cấu trúc.")
    ),
    Code.NO_SIGNATURE: _Kind(_U, "SIG_CONSTRAINTS_FAILURE", phrase("Tệp không có chữ ký số nào.")),
    Code.ACTIVE_CONTENT: _Kind(
        _U,
        "FORMAT_FAILURE",
        phrase(
            "Tệp chứa {what}: nội dung hiển thị có thể tự thay đổi dù không ai sửa tệp, "
            "nên chữ ký không bảo đảm được điều người đọc nhìn thấy."
        ),
    ),
    Code.UNKNOWN_FORMAT: _Kind(
        _U,
        "FORMAT_FAILURE",
        phrase("Chữ ký ở ô “{who}” ghi một định dạng không được biết ({format}), nên không kiểm tra được đầy đủ."),
    ),
    Code.TOO_COMPLICATED: _Kind(
        _U,
        "GENERIC",
        phrase("Tệp quá phức tạp để kiểm tra: có quá nhiều thành phần so với một văn bản thông thường."),
    ),
    Code.SIGNATURE_UNREADABLE: _Kind(
        _I, "FORMAT_FAILURE", phrase("Chữ ký ở ô “{who}” bị hỏng hoặc đã bị xoá, không đọc được.")
    ),
    Code.NO_CERTIFICATE: _Kind(
        _U,
        "NO_SIGNING_CERTIFICATE_FOUND",
        phrase("Chữ ký ở ô “{who}” không kèm chứng thư số, nên không biết ai đã ký."),
    ),
    Code.COVERAGE: _Kind(
        _I, "FORMAT_FAILURE", phrase("Chữ ký của {who} không bao trùm toàn bộ nội dung mà nó phải bảo vệ.")
    ),
    Code.CONTENT_CHANGED: _Kind(
        _I, "HASH_FAILURE", phrase("Nội dung đã bị thay đổi so với bản mà {who} đã ký.")
    ),
    Code.SIGNATURE_BROKEN: _Kind(
        _I, "SIG_CRYPTO_FAILURE", phrase("Chữ ký của {who} sai về mật mã, không phải do chứng thư này tạo ra.")
    ),
    Code.EDITED_AFTER_SIGNING: _Kind(
        _I, "HASH_FAILURE", phrase("Tệp đã bị sửa sau khi {who} ký.")
    ),
    Code.ADDED_AFTER_SIGNING: _Kind(
        _U,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Sau khi {who} ký, tệp có thêm nội dung không rõ là gì. Bản mà {who} đã ký có thể xem riêng."),
    ),
    Code.STRUCTURE_UNCLEAR: _Kind(
        _U,
        "FORMAT_FAILURE",
        phrase("Tệp không theo đúng chuẩn PDF nên không xác định được phần thêm vào sau khi {who} ký."),
    ),
    Code.LOOKS_DIFFERENT: _Kind(
        _I, "HASH_FAILURE", phrase("Trang {page} trông khác so với bản mà {who} đã ký.")
    ),
    Code.COVERS_CONTENT: _Kind(
        _I,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Hình của chữ ký ở ô “{who}” trên trang {page} che hoặc làm sai nội dung đã có trước khi ký."),
    ),
    Code.TRAILING_BYTES: _Kind(
        _U, "FORMAT_FAILURE", phrase("Sau phần đã ký còn {count} byte dữ liệu không được chữ ký nào bảo vệ.")
    ),
    Code.NOT_DELEGATED: _Kind(
        _I,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("{who} ký “{authority}” khi chưa có quyết định ủy quyền còn hiệu lực."),
    ),
    Code.REVOKED: _Kind(
        _I, "REVOKED_NO_POE", phrase("Chứng thư số của {who} đã bị thu hồi ngày {on}.")
    ),
    Code.AUTHORITY_REVOKED: _Kind(
        _I,
        "REVOKED_CA_NO_POE",
        phrase("Tổ chức cấp chứng thư số cho {who} (“{issuer}”) đã bị thu hồi ngày {on}."),
    ),
    Code.REVOCATION_STALE: _Kind(
        _U,
        "TRY_LATER",
        phrase(
            "Thông tin thu hồi chỉ cho biết chứng thư số của {who} chưa bị thu hồi tính đến {at}, "
            "chưa lấy được bản mới hơn."
        ),
    ),
    Code.REVOCATION_UNKNOWN: _Kind(
        _U, "TRY_LATER", phrase("Chưa biết chứng thư số của {who} có bị thu hồi hay không, cần kiểm tra lại sau.")
    ),
    Code.UNKNOWN_AUTHORITY: _Kind(
        _U,
        "NO_CERTIFICATE_CHAIN_FOUND",
        phrase("Chứng thư số của {who} do “{issuer}” cấp, không thuộc kho tin cậy của hệ thống."),
    ),
    Code.SELF_SIGNED: _Kind(
        _I, "NO_CERTIFICATE_CHAIN_FOUND", phrase("Chứng thư số của {who} là chứng thư tự ký, không ai bảo đảm.")
    ),
    Code.CHAIN_BROKEN: _Kind(
        _I, "CERTIFICATE_CHAIN_GENERAL_FAILURE", phrase("Chuỗi chứng thư số của {who} không hợp lệ.")
    ),
    Code.EXPIRED_WHEN_SIGNED: _Kind(
        _I, "EXPIRED", phrase("Chứng thư số của {who} đã hết hạn ngày {on}, trước khi ký.")
    ),
    Code.EXPIRED_NO_PROOF: _Kind(
        _U,
        "OUT_OF_BOUNDS_NO_POE",
        phrase("Chứng thư số của {who} đã hết hạn ngày {on} và không có dấu thời gian chứng minh đã ký trước đó."),
    ),
    Code.NOT_YET_VALID: _Kind(
        _U, "NOT_YET_VALID", phrase("Thời điểm ký của {who} sớm hơn ngày chứng thư số có hiệu lực ({on}).")
    ),
    Code.WRONG_PURPOSE: _Kind(
        _I, "CHAIN_CONSTRAINTS_FAILURE", phrase("Chứng thư số của {who} không được cấp để ký văn bản.")
    ),
    Code.PURPOSE_UNCLEAR: _Kind(
        _U, "CHAIN_CONSTRAINTS_FAILURE", phrase("Chứng thư số của {who} không ghi rõ được dùng để ký văn bản.")
    ),
    Code.WEAK_ALGORITHM: _Kind(
        _U, "CRYPTO_CONSTRAINTS_FAILURE", phrase("Chữ ký của {who} dùng thuật toán yếu ({algorithm}).")
    ),
    Code.LOOSE_CERTIFICATE: _Kind(
        _U,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Chữ ký của {who} không gắn chặt với chứng thư số như chuẩn PAdES yêu cầu."),
    ),
    Code.HOLDER_UNKNOWN: _Kind(
        _U,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Không xác định được chứng thư số “{who}” là của cá nhân hay của cơ quan."),
    ),
    Code.PERSON_MISSING: _Kind(
        _I, "SIG_CONSTRAINTS_FAILURE", phrase("Thiếu chữ ký số của người có thẩm quyền.")
    ),
    Code.SEAL_MISSING: _Kind(_I, "SIG_CONSTRAINTS_FAILURE", phrase("Thiếu chữ ký số (con dấu) của cơ quan ban hành.")),
    Code.SIGNERS_TOO_FEW: _Kind(
        _I,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Văn bản cần chữ ký số của {needed} người, tệp này mới có {count}."),
    ),
    Code.SEAL_BEFORE_PERSON: _Kind(
        _I,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Con dấu của {who} được đóng trước khi người có thẩm quyền ký."),
    ),
    Code.OTHER_AGENCY_SEAL: _Kind(
        _I,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Con dấu là của “{who}”, không phải của cơ quan gửi “{expected}”."),
    ),
    Code.OTHER_AGENCY_PERSON: _Kind(
        _U,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Người ký {who} thuộc “{agency}”, không phải cơ quan gửi “{expected}”."),
    ),
    Code.SIGNER_OTHER: _Kind(
        _U,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Chữ ký số là của {who}, còn văn bản ghi người ký là {expected}."),
    ),
    Code.TITLE_DIFFERS: _Kind(
        _V, "", phrase("Chứng thư số của {who} ghi chức vụ “{title}”, văn bản ghi “{expected}”.")
    ),
    Code.LEVEL_TOO_LOW: _Kind(
        _U,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Chữ ký của {who} mới đạt mức {level}, loại văn bản này cần mức {least}."),
    ),
    Code.TIMESTAMP_BROKEN: _Kind(
        _I, "SIG_CRYPTO_FAILURE", phrase("Dấu thời gian ở “{who}” không khớp với nội dung được đóng dấu.")
    ),
    Code.TIMESTAMP_UNTRUSTED: _Kind(
        _U,
        "NO_POE",
        phrase("Dấu thời gian ở “{who}” chưa được xác nhận là của một đơn vị cấp dấu thời gian tin cậy."),
    ),
    Code.TIMESTAMP_ORDER: _Kind(
        _U,
        "TIMESTAMP_ORDER_FAILURE",
        phrase("Dấu thời gian ở “{who}” ghi một thời điểm muộn hơn lúc nó chắc chắn đã có."),
    ),
    Code.SELF_DECLARED_TIME: _Kind(
        _V, "", phrase("Thời điểm ký của {who} do máy người ký tự khai, chưa có dấu thời gian.")
    ),
    Code.CLOCK_SEVEN_HOURS_FAST: _Kind(
        _V, "", phrase("Giờ ký của {who} có lẽ lệch 7 giờ: phần mềm ký ghi giờ Việt Nam như giờ quốc tế.")
    ),
    Code.TIME_IN_FUTURE: _Kind(
        _U, "SIG_CONSTRAINTS_FAILURE", phrase("Thời điểm ký mà {who} khai ({at}) nằm ở tương lai.")
    ),
    Code.TEST_CERTIFICATE: _Kind(
        _V, "", phrase("{who} dùng CHỨNG THƯ THỬ NGHIỆM, không có giá trị pháp lý.")
    ),
    Code.ENVELOPE_UNSIGNED: _Kind(
        _U, "SIG_CONSTRAINTS_FAILURE", phrase("Phong bì edXML không có chữ ký số của hệ thống gửi.")
    ),
    Code.ENVELOPE_MALFORMED: _Kind(
        _I,
        "FORMAT_FAILURE",
        phrase("Chữ ký của phong bì edXML bị lặp lại, đặt sai chỗ hoặc chứa phần lạ."),
    ),
    Code.ENVELOPE_REFUSED: _Kind(
        _I,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Chữ ký của phong bì edXML chỉ tới nội dung hoặc dùng phép biến đổi không được chấp nhận."),
    ),
    Code.ENVELOPE_METHOD: _Kind(
        _U,
        "CRYPTO_CONSTRAINTS_FAILURE",
        phrase("Chữ ký của phong bì edXML dùng thuật toán không được chấp nhận, nên không kiểm tra được."),
    ),
    Code.ENVELOPE_NO_CERTIFICATE: _Kind(
        _U,
        "NO_SIGNING_CERTIFICATE_FOUND",
        phrase("Chữ ký của phong bì edXML không kèm chứng thư số đọc được, nên không biết hệ thống nào đã ký."),
    ),
    Code.ENVELOPE_PARTLY: _Kind(
        _U,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Chữ ký của phong bì edXML chỉ bao trùm tệp đính kèm, không bao trùm thông tin văn bản."),
    ),
    Code.ENVELOPE_OTHER_SENDER: _Kind(
        _U,
        "SIG_CONSTRAINTS_FAILURE",
        phrase("Phong bì edXML do “{who}” ký, không phải hệ thống của cơ quan gửi “{expected}”."),
    ),
    Code.ENVELOPE_TRACES_ADDED: _Kind(
        _V,
        "",
        phrase("Sau khi ký, phong bì được chuyển tiếp qua {count} đơn vị ({nodes}); phần họ ghi thêm không được ký."),
    ),
    Code.TOO_LARGE: _Kind(
        _U, "GENERIC", phrase("Tệp quá lớn để kiểm tra chữ ký tại đây. Xin tải về và kiểm tra bằng phần mềm khác.")
    ),
    Code.JUDGING_CRASHED: _Kind(
        _U,
        "GENERIC",
        phrase("Phần mềm kiểm tra dừng đột ngột khi đọc tệp này. Tệp có thể bị hỏng hoặc được tạo ra để gây lỗi."),
    ),
    Code.JUDGING_TOO_LONG: _Kind(_U, "GENERIC", phrase("Tệp quá phức tạp để kiểm tra trong thời gian cho phép.")),
    Code.JUDGING_TOO_MUCH: _Kind(_U, "GENERIC", phrase("Việc kiểm tra tệp này cần nhiều bộ nhớ hơn mức cho phép.")),
    Code.CANNOT_JUDGE: _Kind(
        _U, "GENERIC", phrase("Không kiểm tra được tệp này vì một lỗi kỹ thuật, xin thử lại hoặc báo quản trị.")
    ),
}  # fmt: skip


def reason(
    code: Code, signature: str | None = None, *, weight: Value | None = None, etsi: str | None = None, **params: Any
) -> Reason:
    """The finding `code` about `signature` (a field name) or about the file; a policy may change the weight, what is
    proven the sub-indication."""
    kind = _KINDS[code]
    named = kind.etsi if etsi is None else etsi
    return Reason(code.value, named, weight or kind.weight, Phrase(kind.text.msgid, params), signature)
