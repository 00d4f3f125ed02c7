"""The outbox handlers of this room, with the services that they need."""

from kernel import outbox
from kernel.config import Config
from kernel.storage.blobs import BlobStore
from notify.delivery import EmailHandler, SmsHandler, longest_call_s
from notify.mail.smtp import Server, SmtpSender
from notify.sms.twilio_api import Account, TwilioSender


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Serve `notify.email` and `notify.sms` with the providers of the settings."""
    outbox.register(EmailHandler(config, blobs, smtp_sender(config)))
    outbox.register(SmsHandler(config, twilio_sender(config)))


def smtp_sender(config: Config) -> SmtpSender | None:
    """The SMTP server of the settings; None shows mail on the mailbox page."""
    return SmtpSender(Server.from_url(config.smtp_url)) if config.smtp_url else None


def twilio_sender(config: Config) -> TwilioSender | None:
    """The Twilio account of the settings; None shows SMS on the mailbox page."""
    if not config.twilio_account_sid:
        return None
    return TwilioSender(
        Account(
            sid=config.twilio_account_sid,
            auth_token=config.twilio_auth_token,
            sender=config.twilio_from,
            base_url=config.twilio_base_url,
            timeout_s=longest_call_s(config),
        )
    )
