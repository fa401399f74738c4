"""The admin's first page: what needs somebody, for whoever looks; and to operators how the portal itself is doing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from deployments import surveying, trouble
from deployments.models import Survey
from deployments.views.moments import ago
from portal import operating
from portal.cards import cards


@dataclass(frozen=True)
class Sign:
    """One vital sign: a figure, its state by level and word, and what it says."""

    title: str
    figure: str
    level: str
    word: str
    said: Any


def dashboard(person: User, now: datetime) -> dict[str, Any]:
    """Answer what the page shows this person. Facts of the host and of all tenants go to superusers alone."""
    in_flight = trouble.in_flight(person)
    shown = {"cards": cards(person, now), "in_flight": in_flight, "at": now}
    if not person.is_superuser:
        return shown
    broker = operating.look_at_broker()
    surveys = surveying.read()
    return shown | {
        "broker": broker,
        "signs": signs(broker, in_flight, now),
        "workers": [(each, ago(each.seen_at, now)) for each in broker.workers],
        "storage": _survey(surveys.get(surveying.STORAGE), now),
        "next_purge": _survey(surveys.get(surveying.NEXT_PURGE), now),
        "latest_purge": _survey(surveys.get(surveying.LATEST_PURGE), now),
        "purges_at": operating.next_purge(now),
        "free_disk": operating.free_disk(),
        "facts": operating.versions(broker.server) | operating.choices(),
    }


def signs(broker: operating.BrokerLook, in_flight: dict[str, int], now: datetime) -> list[Sign]:
    """Answer the vital signs."""
    under_way = f"{in_flight['QUEUED']} queued, {in_flight['HELD']} held"
    running = Sign("Deploys running", str(in_flight["RUNNING"]), "none", "Now", under_way)
    if not broker.answers:
        away = "Nothing new starts until it is back. What is stored waits, and starts by itself."
        unknown = "Known when the broker answers."
        return [
            Sign("Broker", "Away", "bad", "Does not answer", away),
            Sign("Workers", "?", "none", "Not known", unknown),
            Sign("Schedule", "?", "none", "Not known", unknown),
            running,
        ]
    waiting = sum(queue.waiting for queue in broker.queues)
    behind = any(queue.level == "warn" for queue in broker.queues)
    return [
        Sign(
            "Orders waiting",
            str(waiting),
            "warn" if behind else "ok",
            "Behind" if behind else "Broker answers",
            f"{broker.unacknowledged} handed out and not done yet",
        ),
        _workers(broker),
        _beat(broker, now),
        running,
    ]


def _workers(broker: operating.BrokerLook) -> Sign:
    processes = sum(each.processes for each in broker.at_work)
    busy = sum(each.busy for each in broker.at_work)
    deserted = [queue.name for queue in broker.queues if queue.level == "bad"]
    if deserted:
        return Sign("Worker processes", str(processes), "bad", "Missing", f"Nobody works on {', '.join(deserted)}.")
    count = len(broker.at_work)
    silent = len(broker.workers) - count
    said = f"{busy} busy, in {count} worker{'s' if count != 1 else ''}"
    if silent:
        return Sign("Worker processes", str(processes), "warn", f"{silent} silent", said)
    return Sign("Worker processes", str(processes), "ok", "Alive", said)


def _beat(broker: operating.BrokerLook, now: datetime) -> Sign:
    if broker.beat_seen_at is None:
        return Sign("Schedule", "Off", "bad", "Never seen", "Without beat, nothing that was left lying is taken up.")
    seen = ago(broker.beat_seen_at, now)
    if broker.beat_is_silent:
        return Sign("Schedule", "Off", "bad", "Silent", seen)
    return Sign("Schedule", "On", "ok", "Alive", seen)


def _survey(found: Survey | None, now: datetime) -> dict[str, Any] | None:
    if found is None:
        return None
    more: dict[str, Any] = {"when": ago(found.taken_at, now), "seconds": round(found.seconds, 1)}
    if found.name == surveying.STORAGE:
        # More is stored than named while what nothing names any more waits to be swept.
        more["saved"] = max(found.found["named"] - found.found["stored"], 0)
        more["saved_share"] = round(100 * more["saved"] / found.found["named"]) if found.found["named"] else 0
        for line in found.found["organizations"]:
            line["saved"] = max(line["named"] - line["stored"], 0)
    return {**found.found, **more}
