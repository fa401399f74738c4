"""An Airflow that reads files by itself: what it serves changes piece by piece after a release was placed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deployments.platforms.base import Convergence, Expected, LocationReport, PlatformUnreachable, RunsInFlight
from portal.common.canonical import canonical_json
from tests.assets.test_airflow_source import dag
from tests.observing.dagster import Dagster, Loaded


@dataclass
class Airflow(Dagster):
    """Serves its one location as it was read last. `answers` are those to `converge`; without any, all is read at once."""

    names: list[str] = field(default_factory=lambda: ["default"])
    answers: list[Convergence] = field(default_factory=list)
    questions: list[tuple[Expected, Mapping[str, Any]]] = field(default_factory=list)
    runs: RunsInFlight | None = field(default_factory=lambda: RunsInFlight(0))

    def load(self, digest: int = 1, **said: Any) -> Loaded:
        """Have somebody change the files by hand."""
        return super().load(digest, **{"name": self.names[0], **said})

    def report(self, location: str) -> LocationReport | None:
        """Answer what is served: one DAG, of which the definitions number the code."""
        found, served = super().report(location), self.serves
        if found is None or found.error or served is None:
            return found
        return replace(
            found, written=canonical_json({"dags": [dag("orders", sha256=f"{served.digest:064x}")], "assets": []})
        )

    def ask_to_read(self) -> bool:
        """Look at the files: whatever the next of `reloads` brings is there a moment later."""
        self._ask("ask_to_read")
        self._take_next()
        return True

    def converge(self, expected: Expected, seen: Mapping[str, Any]) -> Convergence:
        """Answer the next of what was scripted."""
        self._ask("converge")
        self.questions.append((expected, seen))
        return self.answers.pop(0) if self.answers else Convergence(True, "Airflow serves this release.")

    def runs_in_flight(self) -> RunsInFlight:
        """Answer what runs."""
        if self.runs is None:
            raise PlatformUnreachable("platform_unreachable", "Airflow does not say what runs.")
        return self.runs
