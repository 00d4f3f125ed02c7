"""What the acts on a meeting are called where its audit is read."""

from kernel.text import Phrase, phrase

ACTS: dict[str, Phrase] = {
    "meeting.plan": phrase("Lập cuộc họp"),
    "meeting.change": phrase("Sửa thông tin cuộc họp"),
    "meeting.cancel": phrase("Hủy cuộc họp"),
    "meeting.convene": phrase("Gửi giấy mời họp"),
    "meeting.change_audience": phrase("Đổi phạm vi xem của một nội dung họp"),
    "meeting.add_item": phrase("Thêm nội dung họp"),
    "meeting.change_item": phrase("Sửa nội dung họp"),
    "meeting.drop_item": phrase("Bỏ nội dung họp"),
    "meeting.reorder": phrase("Xếp lại chương trình họp"),
    "meeting.add_paper": phrase("Thêm tài liệu họp"),
    "meeting.drop_paper": phrase("Bỏ tài liệu họp"),
    "meeting.add_people": phrase("Thêm người dự họp"),
    "meeting.drop_person": phrase("Bỏ người dự họp"),
    "meeting.answer": phrase("Trả lời giấy mời"),
    "meeting.check_in": phrase("Điểm danh"),
    "meeting.take_back_check_in": phrase("Hủy điểm danh"),
    "meeting.set_quorum": phrase("Đặt quy định số người phải có mặt"),
    "meeting.open": phrase("Khai mạc cuộc họp"),
    "meeting.pause": phrase("Cho tạm nghỉ họp"),
    "meeting.resume": phrase("Cho họp tiếp"),
    "meeting.close": phrase("Kết thúc cuộc họp"),
    "meeting.conclude": phrase("Ghi kết luận"),
    "meeting.drop_conclusion": phrase("Bỏ kết luận"),
    "meeting.pair_wall": phrase("Ghép màn hình phòng họp"),
    "meeting.unpair_wall": phrase("Bỏ ghép màn hình phòng họp"),
}
