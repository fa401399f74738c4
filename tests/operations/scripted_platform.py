"""A Dagster of our own: it does what a test says, and records what it was asked."""

from dataclasses import dataclass, field, replace

from deployments.platforms.base import LoadError, LocationReport, PlatformUnreachable, Status

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
    """`serves` now; each reload takes the next of `reloads`, and answers True unless it is still loading.

    `silent` calls of the named method are not answered.
    """

    serves: Served | None = field(default_factory=Served)
    reloads: list[Served | None] = field(default_factory=list)
    silent: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def version(self) -> str:
        """Answer a version."""
        return "1.12.0"

    def status(self, location: str) -> Status | None:
        """Answer what is served, cheaply."""
        self._ask("status")
        return self.serves and Status(self.serves.version_key, self.serves.loading, self.serves.server_id)

    def report(self, location: str) -> LocationReport | None:
        """Answer what is served."""
        self._ask("report")
        if self.serves is None:
            return None
        return LocationReport(
            version_key=self.serves.version_key,
            server_id=self.serves.server_id,
            error=self.serves.error,
            definitions_digest=None if self.serves.error else DIGEST(self.serves.digest),
            asset_count=3,
        )

    def reload(self, location: str) -> bool:
        """Take the next of what was scripted."""
        self._ask("reload")
        if self.reloads:
            self.serves = self.reloads.pop(0)
        return self.serves is None or not self.serves.loading

    def _ask(self, method: str) -> None:
        self.asked.append(method)
        if self.silent.get(method, 0) > 0:
            self.silent[method] -= 1
            raise PlatformUnreachable("platform_unreachable", "No answer from Dagster at http://127.0.0.1:3000.")
