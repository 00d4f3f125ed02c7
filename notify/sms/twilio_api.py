"""Sends SMS through Twilio's SDK, to Twilio or to any server of its shape. The only file that knows the SDK's client.

Twilio has no idempotency key. So a message that may have been handed over is looked for in Twilio's own list before
it is sent again: recipient, text, time, and not one of the messages that we know already.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from kernel import faults
from kernel.outbox import SendError
from notify.sms.codes import is_permanent

CLOCK_SLACK = timedelta(minutes=2)
LISTED = 200
LATE_S = 120
"""Seconds after a call without an answer before the provider's list is asked whether it accepted the SMS after all."""


@dataclass(frozen=True)
class Account:
    """Where SMS go and who sends them; a call that takes longer than `timeout_s` is given up."""

    sid: str
    auth_token: str
    sender: str
    base_url: str = "https://api.twilio.com"
    timeout_s: float = 15.0


@dataclass(frozen=True)
class Taken:
    """The provider's receipt."""

    provider_id: str
    status: str


class _Elsewhere(TwilioHttpClient):  # type: ignore[misc]
    """The SDK's HTTP client with the host of `base_url` in place of Twilio's."""

    def __init__(self, base_url: str, timeout_s: float) -> None:
        def accepted(response: requests.Response, *_args: Any, **_more: Any) -> None:
            if response.request.method == "POST":
                faults.point("sms.accepted")  # the head of the answer is here, its body is not read

        super().__init__(timeout=timeout_s, request_hooks={"response": accepted})
        self._base = urlsplit(base_url.rstrip("/"))

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        parts = urlsplit(url)
        there = parts._replace(scheme=self._base.scheme, netloc=self._base.netloc, path=self._base.path + parts.path)
        return super().request(method, urlunsplit(there), *args, **kwargs)


class TwilioSender:
    """One account. Safe to share between threads: the SDK keeps a pool of connections."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._client = Client(
            account.sid, account.auth_token, http_client=_Elsewhere(account.base_url, account.timeout_s)
        )

    def send(self, to: str, text: str, status_callback: str) -> Taken:
        """Hand over one SMS. SendError: refused, or nobody knows; then `find` it before sending again."""
        faults.point("sms.sending")
        try:
            answer = self._client.messages.create(
                to=to, from_=self.account.sender, body=text, status_callback=status_callback
            )
        except TwilioRestException as error:
            reason = f"{error.status}/{error.code}: {error.msg}"[:300]
            raise SendError(reason, permanent=is_permanent(error.status, error.code)) from error
        except requests.ReadTimeout as error:
            # It has the request and may accept it yet: who looks for the SMS too early finds nothing and sends another.
            raise SendError(f"{type(error).__name__}: {error}"[:300], permanent=False, retry_after_s=LATE_S) from error
        except (TwilioException, requests.RequestException, ValueError) as error:
            raise SendError(f"{type(error).__name__}: {error}"[:300], permanent=False) from error
        faults.point("sms.answered")
        return Taken(str(answer.sid), str(answer.status))

    def find(self, to: str, text: str, since: datetime, known: frozenset[str]) -> Taken | None:
        """The message of an attempt that began at `since`, or None when the provider never got it. `known` are
        provider ids that belong to other messages. SendError when the provider cannot be asked.

        The list is not narrowed by DateSent: a message still in the queue has none and would be left out. A trial
        account puts a sentence before the text.
        """
        earliest = since - CLOCK_SLACK
        try:
            for row in self._client.messages.list(to=to, limit=LISTED):
                created = row.date_created.astimezone(UTC) if row.date_created else None
                if (
                    (row.body or "").endswith(text)
                    and row.sid not in known
                    and (created is None or created >= earliest)
                ):
                    return Taken(str(row.sid), str(row.status))
        except (TwilioException, requests.RequestException, ValueError) as error:
            raise SendError(f"could not ask the provider: {error}"[:300], permanent=False) from error
        return None

    def check(self) -> str:
        """The state of the account as the provider says it; SendError."""
        try:
            return str(self._client.api.accounts(self.account.sid).fetch().status)
        except (TwilioException, requests.RequestException, ValueError) as error:
            raise SendError(str(error)[:300], permanent=False) from error
