"""What is sent, as plain data."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


class NotDelivered(Exception):
    """It could not be sent: why, in words that may be shown."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True)
class Message:
    """One message. `key` names what it is about: whoever keeps incidents opens and closes them by it."""

    alert: str
    place: str
    title: str
    body: str
    link: str
    at: datetime
    deploy: int | None = None
    key: str = ""

    @property
    def text(self) -> str:
        """Answer what is read below the title."""
        return f"{self.body}\n{self.link}" if self.link else self.body

    def as_json(self) -> dict[str, Any]:
        """Answer what webhooks are posted."""
        return {
            "alert": self.alert,
            "place": self.place,
            "title": self.title,
            "body": self.body,
            "link": self.link,
            "deploy": self.deploy,
            "at": self.at.isoformat(),
        }
