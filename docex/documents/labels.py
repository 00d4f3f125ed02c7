"""The words for states and verbs, in one place: pages, errors and answers of the API say the same."""

from dataclasses import dataclass

from directory import auditing
from docex.documents.states import DocumentState, DocumentVerb, IncomingState, IncomingVerb
from docex.edxml.codes import Steering
from docex.edxml.progress import PROGRESS_WORDS, RECALL_WORDS, Progress, Recall
from kernel.text import Phrase, phrase


@dataclass(frozen=True)
class Label:
    """A state for people: its word, and its tone (`plain`, `waiting`, `good`, `bad`), which picks icon and colour."""

    text: Phrase
    tone: str


DOCUMENT: dict[DocumentState, Label] = {
    DocumentState.DRAFT: Label(phrase("Dự thảo"), "plain"),
    DocumentState.CHECK: Label(phrase("Chờ kiểm tra"), "waiting"),
    DocumentState.REVIEW: Label(phrase("Chờ ký"), "waiting"),
    DocumentState.SIGNING: Label(phrase("Đang ký số"), "waiting"),
    DocumentState.SIGNED: Label(phrase("Đã ký, chờ đóng dấu"), "waiting"),
    DocumentState.SEALING: Label(phrase("Đang ký số cơ quan"), "waiting"),
    DocumentState.SEALED: Label(phrase("Đã đóng dấu, đang gửi"), "waiting"),
    DocumentState.SENT: Label(phrase("Đã gửi"), "good"),
    DocumentState.FINISHED: Label(phrase("Đã xong ở mọi nơi nhận"), "good"),
    DocumentState.RECALLING: Label(phrase("Đang yêu cầu thu hồi"), "waiting"),
    DocumentState.RECALLED: Label(phrase("Đã thu hồi"), "bad"),
    DocumentState.REPLACED: Label(phrase("Đã bị thay thế"), "bad"),
}

INCOMING: dict[IncomingState, Label] = {
    IncomingState.ARRIVED: Label(phrase("Chờ tiếp nhận"), "waiting"),
    IncomingState.REGISTERED: Label(phrase("Đã tiếp nhận"), "good"),
    IncomingState.REFUSED: Label(phrase("Đã từ chối"), "bad"),
    IncomingState.SUBMITTED: Label(phrase("Chờ lãnh đạo phân công"), "waiting"),
    IncomingState.ASSIGNED: Label(phrase("Đã phân công"), "good"),
    IncomingState.WORKING: Label(phrase("Đang xử lý"), "waiting"),
    IncomingState.DONE: Label(phrase("Đã xử lý xong"), "good"),
    IncomingState.CANCELLED: Label(phrase("Đã hủy theo yêu cầu thu hồi"), "bad"),
}

PROGRESS: dict[Progress, Label] = {
    state: Label(PROGRESS_WORDS[state], tone)
    for state, tone in {
        Progress.SUBMITTED: "waiting",
        Progress.AVAILABLE: "waiting",
        Progress.EXPIRED: "bad",
        Progress.UNDELIVERABLE: "bad",
        Progress.RETRIEVED: "waiting",
        Progress.ARRIVED: "waiting",
        Progress.REFUSED: "bad",
        Progress.REGISTERED: "good",
        Progress.ASSIGNED: "good",
        Progress.WORKING: "good",
        Progress.DONE: "good",
    }.items()
}

RECALL: dict[Recall, Label] = {
    state: Label(RECALL_WORDS[state], tone)
    for state, tone in {
        Recall.ASKED: "waiting",
        Recall.AGREED: "good",
        Recall.REFUSED: "bad",
    }.items()
}

UPDATE_ASKED = Label(phrase("Yêu cầu cập nhật"), "waiting")
"""The words of `Recall.ASKED` for a copy in place of which a newer one came."""

VERBS: dict[DocumentVerb | IncomingVerb, Phrase] = {
    DocumentVerb.EDIT: phrase("sửa"),
    DocumentVerb.SUBMIT: phrase("trình ký"),
    DocumentVerb.WITHDRAW: phrase("rút lại"),
    DocumentVerb.RETURN: phrase("trả lại"),
    DocumentVerb.SIGN: phrase("ký số"),
    DocumentVerb.SEAL: phrase("đóng dấu và gửi"),
    DocumentVerb.SEND_AGAIN: phrase("gửi lại"),
    DocumentVerb.SUBMIT_TO_CHECK: phrase("trình kiểm tra"),
    DocumentVerb.APPROVE: phrase("trình lãnh đạo"),
    DocumentVerb.RECALL: phrase("thu hồi"),
    DocumentVerb.RECALL_LOCALLY: phrase("thu hồi"),
    DocumentVerb.RESEND: phrase("gửi bản cập nhật"),
    DocumentVerb.REPLACE: phrase("thay thế"),
    IncomingVerb.REGISTER: phrase("tiếp nhận"),
    IncomingVerb.REFUSE: phrase("từ chối"),
    IncomingVerb.SUBMIT: phrase("trình lãnh đạo"),
    IncomingVerb.WITHDRAW: phrase("rút phiếu trình"),
    IncomingVerb.ASSIGN: phrase("phân công xử lý"),
    IncomingVerb.START: phrase("bắt đầu xử lý"),
    IncomingVerb.FINISH: phrase("kết thúc xử lý"),
    IncomingVerb.CANCEL: phrase("hủy"),
}

STEERING: dict[Steering, Phrase] = {
    Steering.NONE: phrase("Không phải chỉ đạo, báo cáo"),
    Steering.DIRECTIVE: phrase("Văn bản chỉ đạo"),
    Steering.REPORT: phrase("Báo cáo thực hiện chỉ đạo"),
}
"""The words of an envelope's own `SteeringType`."""

COPY_FORMS: dict[str, Phrase] = {
    "SY": phrase("Sao y"),
    "SL": phrase("Sao lục"),
    "TrS": phrase("Trích sao"),
}
"""The forms of copies (Decree 30 arts. 25 to 27) by their abbreviations."""

URGENCY: dict[int, Phrase] = {
    0: phrase("Thường"),
    1: phrase("Khẩn"),
    2: phrase("Thượng khẩn"),
    3: phrase("Hỏa tốc"),
    4: phrase("Hỏa tốc hẹn giờ"),
}

ACTS: dict[str, Phrase] = {
    "document.write": phrase("Soạn dự thảo"),
    "document.upload": phrase("Tải lên văn bản"),
    "document.edit": phrase("Sửa dự thảo"),
    "document.submit": phrase("Trình ký"),
    "document.withdraw": phrase("Rút lại để sửa"),
    "document.return": phrase("Trả lại để sửa"),
    "document.sign": phrase("Bấm ký số, hệ thống cấp số văn bản"),
    "document.signed": phrase("Đã ký số"),
    "document.approve_copy": phrase("Duyệt bản sao"),
    "document.sign_failed": phrase("Ký số không thành công"),
    "document.seal": phrase("Bấm đóng dấu và gửi"),
    "document.sealed": phrase("Đã ký số cơ quan, chữ ký kiểm tra hợp lệ"),
    "document.seal_failed": phrase("Ký số cơ quan không thành công"),
    "document.send_again": phrase("Gửi lại"),
    "document.sent": phrase("Đã nộp lên trục liên thông"),
    "document.handed_out": phrase("Giao bản sao trên giấy"),
    "document.send_failed": phrase("Gửi không thành công"),
    "number.release": phrase("Trả số lại sổ"),
    "incoming.arrive": phrase("Văn bản đến"),
    "incoming.register": phrase("Tiếp nhận, vào sổ văn bản đến"),
    "incoming.refuse": phrase("Từ chối tiếp nhận"),
    "incoming.submit": phrase("Trình lãnh đạo"),
    "incoming.withdraw": phrase("Rút phiếu trình"),
    "incoming.assign": phrase("Phân công xử lý"),
    "incoming.start": phrase("Bắt đầu xử lý"),
    "incoming.finish": phrase("Kết thúc xử lý"),
    "incoming.reopen": phrase("Việc bị hủy, chờ phân công lại"),
    "incoming.agree_recall": phrase("Đồng ý cho lấy lại, hủy bản này"),
    "incoming.refuse_recall": phrase("Không cho lấy lại"),
    "incoming.alarm": phrase("Hệ thống nhắc: sắp hết hạn hoặc quá hạn"),
    "document.alarm": phrase("Hệ thống nhắc: sắp hết hạn hoặc quá hạn"),
    "document.submit_to_check": phrase("Trình kiểm tra"),
    "document.hand_out": phrase("Chuyển sang thiết bị của người ký"),
    "document.hand_in": phrase("Nhận tệp đã ký từ thiết bị, đang kiểm tra"),
    "document.approve": phrase("Kiểm tra xong, trình lãnh đạo ký"),
    "document.recall": phrase("Yêu cầu thu hồi"),
    "document.recall_locally": phrase("Thu hồi khi chưa gửi"),
    "document.recalled": phrase("Mọi nơi nhận đã đồng ý, thu hồi xong"),
    "document.recall_refused": phrase("Có nơi nhận không đồng ý thu hồi"),
    "document.resend": phrase("Gửi lại cho nơi nhận"),
    "document.replaced": phrase("Bị thay thế bằng văn bản khác"),
    "document.finish": phrase("Mọi nơi nhận đã xử lý xong"),
}
"""The acts of an audit chain that a timeline shows; others (opening a paper) stay in the audit alone."""

auditing.words.update(ACTS)
auditing.words.update(
    {
        "document.hand_open": phrase("Thiết bị của người ký mở tệp để ký"),
        "dispatch.hand_in": phrase("Nộp văn bản lên trục liên thông"),
        "incoming.reported": phrase("Phần mềm của cơ quan báo trạng thái văn bản đến"),
        "document.detach": phrase("Gỡ tệp đính kèm"),
        "document.upload_refused": phrase("Không nhận tệp PDF đã tải lên"),
        "number.reserve": phrase("Giữ số trong sổ"),
        "paper.open": phrase("Mở tệp văn bản"),
        "evidence.ask": phrase("Yêu cầu lập hồ sơ bằng chứng"),
        "evidence.take": phrase("Tải hồ sơ bằng chứng"),
        "group.save": phrase("Lưu nhóm nơi nhận"),
        "group.remove": phrase("Xóa nhóm nơi nhận"),
        "series.keep": phrase("Đặt dãy số văn bản đi"),
        "register.print": phrase("In sổ văn bản"),
        "hub.directory_published": phrase("Phát hành danh bạ liên thông"),
        "hub.expired": phrase("Văn bản quá hạn trong hộp nhận"),
        "hub.fetched": phrase("Hệ thống lấy văn bản từ hộp nhận"),
        "hub.webhook_set": phrase("Đặt địa chỉ nhận tin báo"),
        "hub.webhook_removed": phrase("Gỡ địa chỉ nhận tin báo"),
        "mail.arrival": phrase("Phân loại thư điện tử đến"),
        "mail.download": phrase("Tải tệp bằng liên kết trong thư"),
        "mail.failed": phrase("Thư điện tử không tới nơi nhận"),
        "mail.handed": phrase("Chuyển thư cho máy chủ thư"),
        "mail.partner": phrase("Đặt cách gửi thư cho cơ quan"),
        "mail.received": phrase("Nhận thư điện tử"),
        "vxp.agency_met": phrase("Thêm cơ quan do trục trên giới thiệu"),
        "vxp.fetch_again": phrase("Nhận lại văn bản từ trục trên"),
        "vxp.failed": phrase("Hệ thống báo không nhận được văn bản"),
        "vxp.forwarded": phrase("Chuyển văn bản lên trục trên"),
        "vxp.refused": phrase("Không nhận văn bản từ trục trên"),
        "vxp.report_failed": phrase("Không báo được trạng thái lên trục trên"),
        "vxp.secret_renewed": phrase("Đổi khóa hệ thống kết nối kiểu VXP"),
        "vxp.system_registered": phrase("Đăng ký hệ thống kết nối kiểu VXP"),
        "vxp.system_revoked": phrase("Thu hồi hệ thống kết nối kiểu VXP"),
    }
)

STATUS_TITLES: dict[str, Phrase] = {
    **{step.value: label.text for step, label in PROGRESS.items()},
    **{step.value: label.text for step, label in RECALL.items()},
}
