"""What providers report later. Receipts may come twice and in any order; the state only moves forward."""

from collections.abc import Mapping

from kernel.config import Config
from kernel.db import Tx
from kernel.errors import Forbidden, NotFound
from kernel.text import phrase
from notify import messages
from notify.delivery import status_callback
from notify.models import Message
from notify.sms.codes import PERMANENT
from notify.sms.signature import is_signed
from notify.states import MessageState

_STATES = {
    "accepted": MessageState.HANDED,
    "queued": MessageState.HANDED,
    "scheduled": MessageState.HANDED,
    "sending": MessageState.HANDED,
    "sent": MessageState.HANDED,
    "delivered": MessageState.DELIVERED,
    "read": MessageState.DELIVERED,
    "undelivered": MessageState.UNDELIVERED,
    "failed": MessageState.UNDELIVERED,
}


def check_signature(config: Config, message_id: int, fields: Mapping[str, str], signature: str) -> None:
    """Forbidden unless Twilio signed exactly these fields for our configured address."""
    if not is_signed(config.twilio_auth_token, status_callback(config, message_id), fields, signature):
        raise Forbidden(phrase("Yêu cầu này không mang chữ ký đúng của nhà cung cấp tin nhắn."))


def take_receipt(tx: Tx, message_id: int, fields: Mapping[str, str]) -> bool:
    """Note what became of an SMS; answers whether that was news. NotFound for a message that is not this SMS's."""
    message = tx.session.get(Message, message_id, with_for_update=True, populate_existing=True)
    provider_id = fields.get("MessageSid", "")
    if message is None or not provider_id or message.provider_id not in (None, provider_id):
        raise NotFound()
    state = _STATES.get(fields.get("MessageStatus", ""))
    if state is None:
        return False
    # The receipt may be faster than the answer to our own call, or the only trace of it.
    message.provider_id, message.provider = provider_id, "twilio"
    return messages.move(tx, message, state, _reason(fields.get("ErrorCode", "")))


def _reason(code: str) -> str:
    if not code.isascii() or not code.isdigit():
        return ""
    said = PERMANENT.get(int(code))
    return f"{code}: {said.en if said else 'see the provider'}"
