"use strict";
// Words of the page in both languages. Findings carry theirs with them: vi and en side by side.
const WORDS = {
  vi: {
    title: "Kiểm tra hồ sơ bằng chứng",
    lead: "Trang này kiểm tra một hồ sơ bằng chứng của Liên Thông ngay trong trình duyệt, không cần mạng. Không có gì được gửi đi.",
    choose: "Chọn tệp hồ sơ (.zip)",
    drop: "hoặc thả tệp vào đây",
    trust: "Trang lấy ra từ một hồ sơ chỉ đáng tin như chính hồ sơ đó. Để kiểm tra hồ sơ của người khác, hãy dùng trang lấy từ nguồn bạn tin.",
    busy: "Đang kiểm tra…",
    valid: "Hợp lệ", unclear: "Chưa rõ", invalid: "Không hợp lệ", remark: "Lưu ý",
    compare: "Bạn cần đối chiếu",
    compareLead: "Hồ sơ không tự chứng minh được những điều dưới đây. Hãy đối chiếu dấu vân tay với nguồn chính thức rồi đánh dấu.",
    onlyCompare: "Không tìm thấy lỗi nào. Kết quả chưa rõ cho đến khi bạn đối chiếu các dấu vân tay dưới đây.",
    root: "Chứng thư gốc", key: "Khoá của hệ thống", checked: "Tôi đã đối chiếu, đúng",
    known: "Dấu vân tay này trùng với dấu vân tay đã công bố.",
    test: "CHỨNG THƯ THỬ NGHIỆM, không có giá trị pháp lý.",
    document: "Văn bản", papers: "Các tệp", signatures: "Chữ ký", findings: "Kết quả từng phần", made: "Lập hồ sơ lúc",
    since: "Nhật ký có dấu thời gian chứng minh phong bì đã có từ", save: "Lưu tệp",
    other: "English", noCrypto: "Trình duyệt này không cho trang kiểm tra chữ ký (WebCrypto). Hãy mở bằng Chrome, Edge hoặc Firefox mới, hoặc dùng CHECK.txt.",
    tooLarge: "Hồ sơ lớn hơn mức trang này đọc được (1 GB). Hãy dùng lệnh lienthong verify hoặc CHECK.txt.",
    broken: "Không đọc được hồ sơ này.",
  },
  en: {
    title: "Check an evidence pack",
    lead: "This page checks an evidence pack of Liên Thông in your browser, without a network. Nothing is sent anywhere.",
    choose: "Choose the pack (.zip)",
    drop: "or drop the file here",
    trust: "A page out of a pack is as trustworthy as that pack. To check somebody else's pack, use a page from a source that you trust.",
    busy: "Checking…",
    valid: "Valid", unclear: "Unclear", invalid: "Invalid", remark: "Note",
    compare: "For you to compare",
    compareLead: "A pack cannot prove these by itself. Compare the fingerprints with an official source, then tick them.",
    onlyCompare: "Nothing wrong was found. It stays unclear until you have compared the fingerprints below.",
    root: "Root certificate", key: "Key of the installation", checked: "I have compared it, it is right",
    known: "This fingerprint is the published one.",
    test: "TEST CERTIFICATE, without legal value.",
    document: "Document", papers: "Files", signatures: "Signatures", findings: "What was found", made: "Pack made at",
    since: "The time-stamped log proves that the envelope existed at", save: "Save",
    other: "Tiếng Việt", noCrypto: "This browser does not let the page check signatures (WebCrypto). Open it in a recent Chrome, Edge or Firefox, or use CHECK.txt.",
    tooLarge: "The pack is larger than this page can read (1 GB). Use lienthong verify or CHECK.txt.",
    broken: "This pack cannot be read.",
  },
};

/** A finding: code, weight ("valid" marks a note), the words in both languages, and the file that it is about. */
function finding(code, weight, vi, en, file = "") {
  return { code, weight, vi, en, file };
}

const GRAVITY = { valid: 0, unclear: 1, invalid: 2 };

/** The gravest of several weights. */
function worst(weights) {
  return weights.reduce((a, b) => (GRAVITY[b] > GRAVITY[a] ? b : a), "valid");
}
