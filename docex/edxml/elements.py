"""The meaning of the elements of an edXML file, for people who write one. Lengths are those that `checks` demands."""

from dataclasses import dataclass

from docex.edxml.checks import limits
from kernel.text import Phrase, phrase


@dataclass(frozen=True)
class Element:
    """One element: the longest text in characters (None where it is no free text), whether the standard demands it."""

    name: str
    longest: int | None
    required: bool
    means: Phrase


def elements() -> list[Element]:
    """The elements with a meaning of their own, in the order of the file."""
    known = limits()
    found = []
    for name, means in _MEANINGS.items():
        longest, required = known.get(name, (None, name in _REQUIRED))
        found.append(Element(name, longest, required, means))
    return found


_REQUIRED = frozenset({"PromulgationInfo/PromulgationDate", "TraceHeader/Timestamp", "StatusCode", "Timestamp"})
_MEANINGS: dict[str, Phrase] = {
    "From/OrganId": phrase("Mã định danh cơ quan gửi; phải là cơ quan của hệ thống đang gửi"),
    "From/OrganName": phrase("Tên cơ quan gửi"),
    "From/OrganizationInCharge": phrase("Cơ quan chủ quản của nơi gửi"),
    "From/OrganAdd": phrase("Địa chỉ nơi gửi"),
    "From/Email": phrase("Thư điện tử nơi gửi"),
    "From/Telephone": phrase("Điện thoại nơi gửi"),
    "From/Fax": phrase("Số fax nơi gửi"),
    "From/Website": phrase("Trang thông tin nơi gửi"),
    "To/OrganId": phrase("Mã định danh nơi nhận; mỗi nơi nhận một phần tử To; phải có trong danh bạ"),
    "To/OrganName": phrase("Tên nơi nhận"),
    "To/OrganizationInCharge": phrase("Cơ quan chủ quản của nơi nhận"),
    "To/OrganAdd": phrase("Địa chỉ nơi nhận"),
    "To/Email": phrase("Thư điện tử nơi nhận"),
    "To/Telephone": phrase("Điện thoại nơi nhận"),
    "To/Fax": phrase("Số fax nơi nhận"),
    "To/Website": phrase("Trang thông tin nơi nhận"),
    "DocumentId": phrase("Mã văn bản: mã cơ quan gửi, ngày ban hành (yyyy/MM/dd), số/ký hiệu; cách nhau bằng dấu phẩy"),
    "CodeNumber": phrase("Số của văn bản"),
    "CodeNotation": phrase("Ký hiệu của văn bản"),
    "PromulgationInfo/Place": phrase("Nơi ban hành"),
    "PromulgationInfo/PromulgationDate": phrase("Ngày ban hành, dạng yyyy/MM/dd"),
    "DocumentType/Type": phrase("Nhóm văn bản: 1 quy phạm pháp luật, 2 hành chính"),
    "DocumentType/TypeDetail": phrase("Số thứ tự của loại văn bản trong nhóm, ví dụ 18 công văn, 25 giấy mời"),
    "TypeName": phrase("Tên loại văn bản"),
    "Subject": phrase("Trích yếu nội dung"),
    "Content": phrase("Nội dung tóm tắt, thường là trích yếu"),
    "Competence": phrase("Quyền hạn ký: TM., KT., TL., TUQ., Q."),
    "Position": phrase("Chức vụ người ký"),
    "FullName": phrase("Họ tên người ký"),
    "DueDate": phrase("Hạn trả lời, dạng yyyy/MM/dd"),
    "Priority": phrase("Độ khẩn: 0 thường, 1 khẩn, 2 thượng khẩn, 3 hỏa tốc, 4 hỏa tốc hẹn giờ"),
    "SphereOfPromulgation": phrase("Phạm vi lưu hành"),
    "TyperNotation": phrase("Ký hiệu người soạn thảo"),
    "PromulgationAmount": phrase("Số bản phát hành, 0 đến 999"),
    "PageAmount": phrase("Số trang, 0 đến 999"),
    "ResponseFor/OrganId": phrase("Khi trả lời, và trong bản tin trạng thái: cơ quan ban hành văn bản được nói tới"),
    "ResponseFor/Code": phrase("Số/ký hiệu của văn bản đó"),
    "ResponseFor/DocumentId": phrase("Mã của văn bản đó"),
    "ResponseFor/PromulgationDate": phrase("Ngày ban hành văn bản đó, dạng yyyy/MM/dd"),
    "SteeringType": phrase("Loại chỉ đạo: 0 không, 1 văn bản chỉ đạo, 2 báo cáo thực hiện"),
    "ToPlaces": phrase("Các dòng Nơi nhận, mỗi dòng một phần tử Place; độ dài tính chung"),
    "BussinessDocType": phrase("Nghiệp vụ: 0 văn bản mới, 1 thu hồi, 2 cập nhật, 3 thay thế"),
    "BussinessDocReason": phrase("Lý do của nghiệp vụ"),
    "Bussiness/DocumentId": phrase("Mã của văn bản bị thu hồi hoặc được cập nhật; bắt buộc với nghiệp vụ 1 và 2"),
    "Receiver/ReceiverType": phrase("Trong bản cập nhật: 0 bỏ nơi nhận, 1 thêm nơi nhận"),
    "TraceHeader/OrganId": phrase("Mã của từng nơi văn bản đi qua, nơi gửi đứng đầu"),
    "TraceHeader/Timestamp": phrase("Thời điểm ở nơi đó, dạng yyyy/MM/dd HH:mm:ss, giờ Việt Nam"),
    "Reference": phrase("Mỗi tệp đính kèm một phần tử: ContentId, ContentType, AttachmentName"),
    "Attachment": phrase("Tệp đính kèm: ContentId như ở Reference, tên, loại, nội dung Base64"),
    "StatusCode": phrase("Chỉ trong bản tin trạng thái: 01, 02, 03, 04, 05, 06, 13, 15, 16"),
    "Description": phrase("Chỉ trong bản tin trạng thái: lý do; bắt buộc với 02, 13 và 16"),
    "Timestamp": phrase("Chỉ trong bản tin trạng thái: thời điểm, dạng yyyy/MM/dd HH:mm:ss"),
}
