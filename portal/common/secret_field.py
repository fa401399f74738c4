"""Text that is encrypted where it is stored, under keys that can be rotated: the first encrypts, all of them decrypt."""

import base64
import hashlib
import logging
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

logger = logging.getLogger(__name__)


class SecretField(models.TextField):  # type: ignore[type-arg]  # its values are plain text
    """A text that only the database's column holds encrypted. Nothing is searched or ordered by it.

    What was encrypted under a key that is gone reads as empty, and the log says so: the rest of the row stays usable.
    """

    def get_prep_value(self, value: Any) -> Any:
        """Answer what is stored."""
        text = super().get_prep_value(value)
        return seal(text) if text else text

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        """Answer the text."""
        if not value:
            return value
        try:
            return unseal(value)
        except Unreadable:
            logger.error(
                "%s.%s was encrypted under a key that is not in LASTGOOD_ENCRYPTION_KEYS: set it anew.",
                self.model.__name__,
                self.name,
            )
            return ""


class Unreadable(Exception):
    """What is stored was encrypted under a key that is gone."""


def seal(text: str) -> str:
    """Encrypt a text for storing, under the first key."""
    return _box(tuple(settings.LASTGOOD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def unseal(stored: str) -> str:
    """Answer the text that `seal` stored. Raises Unreadable."""
    try:
        return _box(tuple(settings.LASTGOOD_ENCRYPTION_KEYS)).decrypt(stored.encode()).decode()
    except InvalidToken as gone:
        raise Unreadable from gone


@cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    # Whatever text the operator chose as a key, Fernet wants 32 bytes.
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])
