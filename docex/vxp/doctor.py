"""Self-check of the upper axis."""

from docex.vxp.client import VxpClient
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
            phrase("Không kết nối được trục trên: {reason}", reason=str(error)),
            phrase("Kiểm tra địa chỉ, mã hệ thống, khóa bí mật và đường mạng tới trục trên."),
        )
    return Finding("vxp-upstream", Health.GOOD, phrase("Trục trên trả lời, {count} văn bản đang chờ.", count=count))
