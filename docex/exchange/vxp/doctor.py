"""Self-checks of the upper axis and of the systems' secrets."""

from docex.exchange.vxp import systems
from docex.exchange.vxp.client import VxpClient
from kernel import outbox
from kernel.config import Config
from kernel.doctor import Finding, Health, check
from kernel.outbox import SendError
from kernel.text import phrase


@check("vxp-upstream")
def upper_axis(config: Config) -> Finding:
    """Counts what waits there; fetches and sends nothing."""
    if not config.vxp_upstream_url:
        return Finding(
            "vxp-upstream",
            Health.OFF,
            phrase("Chưa nối với trục trên: văn bản gửi cơ quan ngoài hệ thống này chưa đi được."),
            phrase(
                "Đặt LIENTHONG_VXP_UPSTREAM_URL, LIENTHONG_VXP_UPSTREAM_SYSTEM_ID và LIENTHONG_VXP_UPSTREAM_SECRET."
            ),
        )
    client = VxpClient(config.vxp_upstream_url, config.vxp_upstream_system_id, config.vxp_upstream_secret, timeout_s=15)
    try:
        count = client.count("edoc")
    except SendError as error:
        return Finding(
            "vxp-upstream",
            Health.BAD,
            phrase("Không kết nối được trục trên: {reason}", reason=outbox.sentence(error.reason)),
            phrase("Kiểm tra địa chỉ, mã hệ thống, khóa bí mật và đường mạng tới trục trên."),
        )
    return Finding("vxp-upstream", Health.GOOD, phrase("Trục trên trả lời, {count} văn bản đang chờ.", count=count))


@check("vxp-secrets")
def sealed_secrets(config: Config) -> Finding:
    """Whether the secrets of systems can be read with this installation's key."""
    if lost := systems.SECRETS.lost(config):
        what = phrase("Không mở được khóa bí mật của {count} hệ thống kết nối kiểu VXP.", count=lost)
        hint = phrase(
            "LIENTHONG_SECRET_KEY đã đổi. Đặt khóa cũ vào LIENTHONG_SECRET_KEY_BEFORE rồi khởi động lại, hoặc đổi khóa "
            "của từng hệ thống và báo cho nơi dùng."
        )
        return Finding("vxp-secrets", Health.BAD, what, hint)
    return Finding("vxp-secrets", Health.GOOD, phrase("Mở được mọi khóa bí mật của hệ thống kết nối kiểu VXP."))
