"""One message to one address: e-mail, a webhook, or a vendor. What goes wrong is told without the address, a secret."""

import smtplib
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from deployments.alerting import vendors
from deployments.alerting.message import Message, NotDelivered
from deployments.hosts import refuse_foreign_webhook
from deployments.platforms import pinned
from deployments.states import ChannelKind
from portal.common.problems import Invalid

LONGEST_ADDRESS = 2000
MOST_RECIPIENTS = 20
PATIENCE = 8.0  # seconds that one answer may take: below what sending gives a whole delivery
NO_MAIL = (
    "This portal sends no e-mail yet: its operator names a mail server in LASTGOOD_SMTP_URL, and a sender in "
    "LASTGOOD_EMAIL_FROM."
)
NOWHERE = "Its address is empty, or was encrypted under a key that is gone: set it anew."


def check_address(kind: str, address: str) -> None:
    """Refuse an address that nothing can be sent to. Never repeats it. Raises Invalid."""
    if not address.strip() or len(address) > LONGEST_ADDRESS or not address.isprintable():
        raise bad_address(f"An address has 1 to {LONGEST_ADDRESS} letters, in one line.")
    if kind == ChannelKind.EMAIL:
        refuse_without_mail_server()
        recipients(address)
    elif kind == ChannelKind.WEBHOOK:
        _check_webhook(address)
    else:
        vendors.plugin_for(kind, address)


def deliver(kind: str, address: str, message: Message) -> None:
    """Send it now. Raises NotDelivered, whose words never hold the address."""
    if not address:
        raise NotDelivered(NOWHERE)
    try:
        if kind == ChannelKind.EMAIL:
            refuse_without_mail_server()
            _mail(recipients(address), message)
        elif kind == ChannelKind.WEBHOOK:
            _check_webhook(address)
            _post(address, message)
        else:
            vendors.send(kind, address, message)
    except Invalid as refused:
        raise NotDelivered(refused.detail) from refused


def refuse_without_mail_server() -> None:
    """Let nobody pass while this portal cannot send e-mail. Raises Invalid `no_mail_server`."""
    if not settings.LASTGOOD_SMTP or not settings.LASTGOOD_EMAIL_FROM:
        raise Invalid(NO_MAIL, code="no_mail_server")


def hint(kind: str, address: str) -> str:
    """Answer as much of the address as reminds those of it who know it, and tells nobody else."""
    if not address:
        return NOWHERE
    if kind == ChannelKind.EMAIL:
        return ", ".join(f"{each.strip()[:1]}…@{each.rpartition('@')[2].strip()}" for each in address.split(","))
    if kind == ChannelKind.WEBHOOK:
        return urlsplit(address).hostname or ""
    return vendors.host_of(kind, address)


def recipients(address: str) -> list[str]:
    """Answer the e-mail addresses of a list with commas between. Raises Invalid."""
    found = [each.strip() for each in address.split(",") if each.strip()]
    try:
        for each in found:
            validate_email(each)
    except ValidationError as wrong:
        raise bad_address("Use e-mail addresses like name@example.com, with commas between.") from wrong
    if not 1 <= len(found) <= MOST_RECIPIENTS:
        raise bad_address(f"Use 1 to {MOST_RECIPIENTS} e-mail addresses.")
    return found


def bad_address(detail: str) -> Invalid:
    """Make the refusal of an address."""
    return Invalid(detail, code="bad_address", errors=[{"field": "address", "detail": detail}])


def _mail(to: list[str], message: Message) -> None:
    headers = {"Auto-Submitted": "auto-generated"}
    subject = " ".join(message.title.split())  # a header is one line
    letter = EmailMessage(
        subject=subject, body=message.text, from_email=settings.LASTGOOD_EMAIL_FROM, to=to, headers=headers
    )
    try:
        letter.send()
    except smtplib.SMTPRecipientsRefused as refused:
        codes = ", ".join(sorted({str(code) for code, _ in refused.recipients.values()}))
        raise NotDelivered(f"The mail server takes nothing for these recipients ({codes}).") from None
    except smtplib.SMTPResponseException as refused:
        raise NotDelivered(f"The mail server answered {refused.smtp_code}.") from None
    except (smtplib.SMTPException, OSError) as broken:
        raise NotDelivered(f"The mail server cannot be reached, or broke off ({type(broken).__name__}).") from None


def _check_webhook(address: str) -> None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        httpx.URL(address)
    except (ValueError, httpx.InvalidURL):
        usable = False
    # Said here, without the address: what stands there may be a secret.
    if not usable or "@" in address or any(letter.isspace() for letter in address):
        raise bad_address("Use an http or https address, without user and password in it.")
    refuse_foreign_webhook(address)


def _post(address: str, message: Message) -> None:
    try:
        with (
            pinned.client() as client,
            client.stream("POST", address, json=message.as_json(), timeout=PATIENCE) as said,
        ):
            status = said.status_code
    except pinned.HostNotAllowed:
        raise NotDelivered("The webhook's host resolves to a link-local address, which is never called.") from None
    except httpx.TimeoutException:
        raise NotDelivered(f"The webhook did not answer within {PATIENCE:.0f} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as broken:
        raise NotDelivered(f"The webhook cannot be reached ({type(broken).__name__}).") from None
    if 300 <= status < 400:
        raise NotDelivered(f"The webhook answered {status}: redirects are not followed.")
    if not 200 <= status < 300:
        raise NotDelivered(f"The webhook answered {status}.")
