"""Self-check of single sign-on."""

from directory import oidc
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
