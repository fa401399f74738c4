"""What an authenticator app does."""

import time

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth.models import User


def protect(user: User) -> str:
    """Give the account a second factor and recovery codes, and answer the app's key."""
    key = generate_totp_secret()
    TOTP.activate(user, key)
    RecoveryCodes.activate(user)
    return key


def code_of(key: str, *, later: int = 0) -> str:
    """Answer the code that the app shows now, or so many half minutes later."""
    return format_hotp_value(hotp_value(key, int(time.time()) // 30 + later))
