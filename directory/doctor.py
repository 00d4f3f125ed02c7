"""Self-checks of single sign-on and of the sealed secrets."""

from directory import oidc, secondstep
from kernel.config import Config
from kernel.doctor import Finding, Health, check
from kernel.errors import Unavailable
from kernel.text import phrase


@check("oidc")
def single_sign_on(config: Config) -> Finding:
    """Whether the configured issuer of identities answers and is who it should be."""
    if not oidc.is_on(config):
        return Finding("oidc", Health.OFF, phrase("Chưa dùng đăng nhập một lần."))
    try:
        oidc.discover(config)
    except Unavailable:
        hint = phrase("Kiểm tra LIENTHONG_OIDC_ISSUER: địa chỉ phải trả lời và phải trùng với “issuer” mà nó khai báo.")
        return Finding("oidc", Health.BAD, phrase("Không đọc được {issuer}.", issuer=config.oidc_issuer), hint)
    return Finding("oidc", Health.GOOD, phrase("Đăng nhập một lần qua {issuer}.", issuer=config.oidc_issuer))


@check("secrets")
def sealed_secrets(config: Config) -> Finding:
    """Whether the secrets of second steps can be read with this installation's key."""
    if lost := secondstep.SECRETS.lost(config):
        what = phrase("Không mở được khóa xác thực hai bước của {count} người.", count=lost)
        hint = phrase(
            "LIENTHONG_SECRET_KEY đã đổi. Đặt khóa cũ vào LIENTHONG_SECRET_KEY_BEFORE rồi khởi động lại, hoặc gỡ xác "
            "thực hai bước của họ ở trang Người dùng; mã dự phòng vẫn dùng được."
        )
        return Finding("secrets", Health.BAD, what, hint)
    return Finding("secrets", Health.GOOD, phrase("Mở được mọi khóa xác thực hai bước đã lưu."))
