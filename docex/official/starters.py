"""Where the writing of each type begins: the set lines of the forms of Decree 30, Annex III, with "…" to fill in.

Types whose text is free (letters, reports of any kind) have none. Invitations, minutes and conclusion notices have
forms of their own, see `docex.official.paper`.
"""

_ARTICLES = (
    "Điều 1. …\nĐiều 2. …\nĐiều 3. {agency} và các cơ quan, đơn vị liên quan chịu trách nhiệm thi hành {what} này."
)
_PARTIES = (
    "Hôm nay, ngày … tháng … năm …, tại …, chúng tôi gồm:\nBÊN A: {agency}\nĐịa chỉ: …\nNgười đại diện: …, chức vụ: …\n"
    "BÊN B: …\nĐịa chỉ: …\nNgười đại diện: …, chức vụ: …\n"
)
_TERMS = "Điều 1. …\nĐiều 2. …\n{what} này làm thành … bản có giá trị như nhau, mỗi bên giữ … bản."
_RULES = (
    "Chương I\nQUY ĐỊNH CHUNG\nĐiều 1. Phạm vi điều chỉnh\n…\nĐiều 2. Đối tượng áp dụng\n…\n"
    "Chương II\nQUY ĐỊNH CỤ THỂ\nĐiều 3. …\nChương III\nTỔ CHỨC THỰC HIỆN\nĐiều 4. …"
)
_AIMS = "I. MỤC ĐÍCH, YÊU CẦU\n1. Mục đích\n…\n2. Yêu cầu\n…\nII. NỘI DUNG\n…\nIII. TỔ CHỨC THỰC HIỆN\n…"

STARTERS: dict[str, str] = {
    "resolution": "Căn cứ …;\nTheo đề nghị của ….\nQUYẾT NGHỊ:\n" + _ARTICLES.replace("{what}", "Nghị quyết"),
    "decision": "Căn cứ …;\nTheo đề nghị của ….\nQUYẾT ĐỊNH:\n" + _ARTICLES.replace("{what}", "Quyết định"),
    "directive": "…\nĐể …, {agency} yêu cầu:\n1. …\n2. …\nYêu cầu các cơ quan, đơn vị nghiêm túc triển khai thực hiện.",
    "regulation": _RULES,
    "rule": _RULES,
    "programme": _AIMS,
    "plan": _AIMS,
    "scheme": _AIMS,
    "proposal": "I. SỰ CẦN THIẾT\n…\nII. MỤC TIÊU\n…\nIII. NỘI DUNG\n…\nIV. KINH PHÍ\n…\nV. TỔ CHỨC THỰC HIỆN\n…",
    "project": "I. CĂN CỨ\n…\nII. MỤC TIÊU, QUY MÔ\n…\nIII. TỔNG MỨC ĐẦU TƯ, NGUỒN VỐN\n…\nIV. TIẾN ĐỘ\n…",
    "report": "I. TÌNH HÌNH\n…\nII. KẾT QUẢ\n…\nIII. TỒN TẠI, HẠN CHẾ\n…\nIV. PHƯƠNG HƯỚNG, KIẾN NGHỊ\n…",
    "submission": "I. CĂN CỨ VÀ SỰ CẦN THIẾT\n…\nII. NỘI DUNG\n…\nIII. ĐỀ XUẤT\n"
    "{agency} kính trình … xem xét, quyết định.",
    "contract": "Căn cứ …;\n" + _PARTIES + "Hai bên thống nhất ký kết hợp đồng với các điều khoản sau:\n"
    + _TERMS.replace("{what}", "Hợp đồng"),
    "memorandum": _PARTIES + "Hai bên ghi nhớ các nội dung sau:\n" + _TERMS.replace("{what}", "Bản ghi nhớ"),
    "agreement": _PARTIES + "Hai bên thỏa thuận các nội dung sau:\n" + _TERMS.replace("{what}", "Bản thỏa thuận"),
    "authorisation": "Người ủy quyền: …, chức vụ: …\nNgười được ủy quyền: …, chức vụ: …\nNội dung ủy quyền: …\n"
    "Thời hạn ủy quyền: từ ngày … đến hết ngày ….",
    "introduction": "{agency} trân trọng giới thiệu:\nÔng (bà): …\nChức vụ: …\nĐược cử đến: …\nVề việc: …\n"
    "Đề nghị Quý cơ quan tạo điều kiện để ông (bà) có tên ở trên hoàn thành nhiệm vụ.\n"
    "Giấy này có giá trị đến hết ngày ….",
    "leave": "Xét Đơn đề nghị nghỉ phép ngày … của ông (bà) …, {agency} cấp cho:\nÔng (bà): …\nChức vụ: …\n"
    "Nghỉ phép năm … trong thời gian … ngày, kể từ ngày … đến hết ngày …, tại ….\n"
    "Số ngày nghỉ phép nêu trên được tính vào thời gian nghỉ phép năm ….",
    "dispatch-note": "{agency} gửi kèm theo phiếu này các văn bản, tài liệu sau:\n1. …\n2. …\n"
    "Sau khi nhận được, đề nghị Quý cơ quan ký xác nhận và gửi lại Phiếu gửi này cho {agency}.",
    "transfer-note": "{agency} có nhận được … của … về việc ….\n"
    "{agency} kính chuyển … đến … để xem xét, giải quyết theo thẩm quyền.",
    "announcement-note": "{agency} trân trọng báo để … biết:\n1. …\n2. …",
}  # fmt: skip


def starting_text(kind: str, agency: str) -> str:
    """The set lines of a type with the agency's name in them; "" for types whose text is free."""
    return STARTERS.get(kind, "").replace("{agency}", agency)
