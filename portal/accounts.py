"""How people sign in: with an account that somebody gave them, and a second factor if they have one."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.contrib import messages
from django.http import HttpRequest

from portal.common.secret_field import Unreadable, seal, unseal

# What allauth would say in words of its own; the others are not worth a line.
SAID = {
    "account/messages/password_changed.txt": "Your password is changed.",
    "account/messages/password_set.txt": "Your password is set.",
    "mfa/messages/totp_activated.txt": "The second factor is on: from now on you are asked for a code when you sign in.",
    "mfa/messages/totp_deactivated.txt": "The second factor is off.",
    "mfa/messages/recovery_codes_generated.txt": "These are your recovery codes. Older ones open nothing any more.",
    "socialaccount/messages/account_connected.txt": "Connected: you can sign in this way too.",
    "socialaccount/messages/account_connected_other.txt": "That account is connected to somebody else here.",
    "socialaccount/messages/account_disconnected.txt": "Disconnected.",
}


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Accounts are made by an operator or by an invitation; nobody signs up by themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Answer no, always."""
        return False

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *_: Any, **__: Any
    ) -> None:
        """Say it in our words, or nothing."""
        if words := SAID.get(message_template or ""):
            messages.add_message(request, level, words)


class SealedFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Second factors whose keys the database holds encrypted, as all secrets that are to be used."""

    def encrypt(self, text: str) -> str:
        """Answer what is stored."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Answer the key; for one that cannot be read any more, one that nobody knows."""
        try:
            return unseal(encrypted_text)
        except Unreadable:
            # An empty one would make codes that anybody can work out.
            return str(generate_totp_secret())

    def get_totp_label(self, user: Any) -> str:
        """Answer what the app shows: the user name, which people sign in with here."""
        return str(user.get_username())
