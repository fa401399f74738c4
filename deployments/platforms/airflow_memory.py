"""What is remembered from one question of how far Airflow is to the next, as plain data in between."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self


@dataclass
class Suspect:
    """A file with an import error: since when we know, and the time that Airflow gave it then."""

    since: datetime
    at: datetime | None


@dataclass
class Memory:
    """What is remembered from one question to the next."""

    asked_at: datetime | None = None
    asked: int = 0  # so many times: each begins with other files
    moved_at: datetime | None = None
    left: int = 0
    lead: timedelta | None = None  # of Airflow's clock before ours, as its answers told: never too much
    confirmed: set[str] = field(default_factory=set)  # files of the release that Airflow has read since it is there
    compared: dict[str, str] = field(default_factory=dict)  # other files, and which parse of theirs was compared
    errors: dict[str, Suspect] = field(default_factory=dict)  # files that may be broken
    hidden: dict[str, str] = field(default_factory=dict)  # files that serve nothing, and their token if they once did
    no_dags: set[str] = field(default_factory=set)  # files that do not look like DAG files

    @classmethod
    def of(cls, seen: Mapping[str, Any]) -> Self:
        """Read what `plain` answered. Raises ValueError, TypeError on what it did not."""
        return cls(
            asked_at=_time(seen.get("asked_at")),
            asked=int(seen.get("asked", 0)),
            moved_at=_time(seen.get("moved_at")),
            left=int(seen.get("left", 0)),
            lead=timedelta(seconds=float(seen["lead"])) if seen.get("lead") is not None else None,
            confirmed=set(seen.get("confirmed", ())),
            compared=dict(seen.get("compared", {})),
            errors={
                file: Suspect(datetime.fromisoformat(since), _time(at)) for file, since, at in seen.get("suspects", ())
            },
            hidden=dict(seen.get("hidden", {})),
            no_dags=set(seen.get("no_dags", ())),
        )

    def plain(self) -> dict[str, Any]:
        """Answer it as plain data."""
        return {
            "asked_at": _text(self.asked_at),
            "asked": self.asked,
            "moved_at": _text(self.moved_at),
            "left": self.left,
            "lead": self.lead.total_seconds() if self.lead is not None else None,
            "confirmed": sorted(self.confirmed),
            "compared": self.compared,
            "suspects": [[file, _text(known.since), _text(known.at)] for file, known in self.errors.items()],
            "hidden": self.hidden,
            "no_dags": sorted(self.no_dags),
        }


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
