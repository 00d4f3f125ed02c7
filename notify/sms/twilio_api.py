"""Sends SMS through Twilio's SDK, to Twilio or to any server of its shape. The only file that knows the SDK's client.

Twilio has no idempotency key. So a message that may have been handed over is only looked for in Twilio's own list:
recipient, text, time, and not one of the messages that we know already. It is never sent again by itself, because a
provider may accept, or list, at any later time what it has once read.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import MaxRetryError, NewConnectionError

from kernel import faults
from kernel.outbox import SendError
from notify.reasons import NO_ANSWER, NOT_ASKED
from notify.sms.codes import cannot_list, is_permanent, may_have_accepted

_NO_CONNECTION = (
    requests.ConnectTimeout,
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
CLOCK_SLACK = timedelta(minutes=2)
LISTED = 200


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
        """Hand over one SMS. SendError: refused, or, when it is `unknown`, perhaps accepted; then only `find` it."""
        faults.point("sms.sending")
        try:
            answer = self._client.messages.create(
                to=to, from_=self.account.sender, body=text, status_callback=status_callback
            )
        except (TwilioRestException, TwilioServiceException) as error:
            raise _refused(error) from error
        except (TwilioException, requests.RequestException, ValueError, TypeError, AttributeError) as error:
            # The last three: an answer that came but does not say what an answer says.
            raise _unanswered(error) from error
        if not answer.sid:
            raise _unanswered(ValueError("an answer without a number"))
        faults.point("sms.answered")
        return Taken(str(answer.sid), str(answer.status))

    def find(self, to: str, text: str, since: datetime, known: frozenset[str]) -> Taken | None:
        """The message of an attempt that began at `since`, or None when the provider does not list it. `known` are
        provider ids that belong to other messages. SendError when the provider cannot be asked; it is permanent when
        this provider has no list.

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
        except (TwilioException, requests.RequestException, ValueError, TypeError, AttributeError) as error:
            raise SendError(f"{NOT_ASKED}: {error}"[:300], permanent=cannot_list(_status_of(error))) from error
        return None

    def check(self) -> str:
        """The state of the account as the provider says it; SendError."""
        try:
            return str(self._client.api.accounts(self.account.sid).fetch().status)
        except (TwilioException, requests.RequestException, ValueError) as error:
            raise SendError(str(error)[:300], permanent=False) from error


def _status_of(error: Exception) -> int | None:
    """The HTTP status of a list that could not be read; the SDK leaves it in the answer that it hands on."""
    answers = (part for part in error.args if isinstance(part, Response))
    return next((int(answer.status_code) for answer in answers), None)


def _refused(error: TwilioRestException | TwilioServiceException) -> SendError:
    """An answer that is no acceptance. One that says only that something broke may stand for an accepted SMS."""
    said = error.msg if isinstance(error, TwilioRestException) else f"{error.title} {error.detail or ''}"
    reason, status = f"{error.status}/{error.code}: {said}", int(error.status)
    if may_have_accepted(status):
        return SendError(f"{NO_ANSWER}: {reason}"[:300], permanent=False, retry_after_s=0, unknown=True)
    return SendError(reason[:300], permanent=is_permanent(status, error.code))


def _unanswered(error: Exception) -> SendError:
    """A call that ended without an answer: not sent when no connection came about, else perhaps accepted."""
    reason = f"{type(error).__name__}: {error}"
    if _surely_not_sent(error):
        return SendError(reason[:300], permanent=False)
    return SendError(f"{NO_ANSWER}: {reason}"[:300], permanent=False, retry_after_s=0, unknown=True)


def _surely_not_sent(error: Exception) -> bool:
    """Whether the request never began to leave: no connection, no host of that name, a certificate that is not the
    provider's, an address that is none."""
    if isinstance(error, _NO_CONNECTION):
        return True
    failure = error.args[0] if error.args else None
    reason = failure.reason if isinstance(failure, MaxRetryError) else None
    return isinstance(reason, NewConnectionError) or "certificate verify failed" in str(reason)
