"""A Dagster of our own: it does what a test says, and records what it was asked."""

from dataclasses import dataclass, field, replace

from deployments.platforms.base import Connection, LoadError, LocationReport, PlatformUnreachable, Status

DIGEST = "{:064d}".format


@dataclass(frozen=True)
class Served:
    """What a code server answers. `digest` numbers the definitions; `error` is why they did not load."""

    server_id: str | None = "server-1"
    digest: int = 1
    error: LoadError | None = None
    loading: bool = False

    @property
    def version_key(self) -> str:
        """Answer what changes whenever anything does."""
        return f"{self.server_id}/{self.digest}/{bool(self.error)}/{self.loading}"


FAILED = Served(
    server_id=None,
    error=LoadError(
        message="Error loading shop",
        class_name="DagsterUserCodeLoadError",
        chain=[
            {"message": "Error loading shop", "class_name": "DagsterUserCodeLoadError", "stack": []},
            {
                "message": "ModuleNotFoundError: No module named 'orders'\n",
                "class_name": "ModuleNotFoundError",
                "stack": [],
            },
        ],
    ),
)
HEALING = replace(
    FAILED, error=LoadError(message="The code server is not there.", class_name="Unreachable", transient=True)
)


@dataclass
class ScriptedPlatform:
    """`serves` now, under each of `names`; each reload takes the next of `reloads`.

    A reload answers True unless what it brought is still loading.

    `neighbours` are locations beside it, which no reload touches. `silent` calls of the named method are not answered.
    """

    serves: Served | None = field(default_factory=Served)
    reloads: list[Served | None] = field(default_factory=list)
    silent: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=lambda: ["shop"])
    neighbours: dict[str, Served] = field(default_factory=dict)

    def version(self) -> str:
        """Answer a version."""
        return "1.12.0"

    def connection(self) -> Connection:
        """Answer which locations there are; reloads are allowed."""
        self._ask("connection")
        return Connection(self.version(), tuple(self._served()), may_reload=True)

    def statuses(self) -> dict[str, Status]:
        """Answer what is served under every name, cheaply."""
        self._ask("statuses")
        return {name: _status(served) for name, served in self._served().items()}

    def status(self, location: str) -> Status | None:
        """Answer what is served, cheaply."""
        self._ask("status")
        served = self.neighbours.get(location, self.serves)
        return served and _status(served)

    def report(self, location: str) -> LocationReport | None:
        """Answer what is served."""
        self._ask("report")
        served = self.neighbours.get(location, self.serves)
        if served is None:
            return None
        return LocationReport(
            version_key=served.version_key,
            server_id=served.server_id,
            error=served.error,
            definitions_digest=None if served.error else DIGEST(served.digest),
            asset_count=3,
        )

    def reload(self, location: str) -> bool:
        """Take the next of what was scripted."""
        self._ask("reload")
        return self._take_next()

    def reload_all(self) -> bool:
        """Take the next of what was scripted, as a reload does."""
        self._ask("reload_all")
        return self._take_next()

    def _served(self) -> dict[str, Served]:
        ours = dict.fromkeys(self.names, self.serves) if self.serves else {}
        return {**ours, **self.neighbours}

    def _take_next(self) -> bool:
        if self.reloads:
            self.serves = self.reloads.pop(0)
        return self.serves is None or not self.serves.loading

    def _ask(self, method: str) -> None:
        self.asked.append(method)
        if self.silent.get(method, 0) > 0:
            self.silent[method] -= 1
            raise PlatformUnreachable("platform_unreachable", "No answer from Dagster at http://127.0.0.1:3000.")


def _status(served: Served) -> Status:
    return Status(served.version_key, served.loading, served.server_id)
