"""A Dagster that is loaded by hand, and by our deploys: each load has a key of its own, whatever it brings."""

from dataclasses import dataclass, field, replace

from deployments.platforms.base import LoadError, LocationReport
from portal.common.canonical import canonical_json
from tests.assets.sets import form
from tests.operations.scripted_platform import FAILED, HEALING, ScriptedPlatform, Served

SYNTAX = FAILED.error
UNREACHABLE = HEALING.error


def error(message: str) -> LoadError:
    """Answer the error of a location whose own code says this."""
    outer = {"class_name": "DagsterUserCodeLoadError", "message": "Error loading shop", "stack": []}
    inner = {"class_name": "NameError", "message": message, "stack": ["defs.py, line 3"]}
    return LoadError(message="Error loading shop", class_name="DagsterUserCodeLoadError", chain=[outer, inner])


@dataclass(frozen=True)
class Loaded(Served):
    """What one load brought. `key` is its own; `shown` is what the location shows of itself."""

    key: str = ""
    shown: dict[str, str] = field(default_factory=dict)

    @property
    def version_key(self) -> str:
        """Answer what is never the same for two loads."""
        return self.key


@dataclass
class Dagster(ScriptedPlatform):
    """Serves `shop` and its neighbours as they were loaded last. `reading` is called in the middle of each reading."""

    loads: int = 0
    reading: list = field(default_factory=list)
    odd: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.serves = self._load(1, None, None, False)

    def load(
        self,
        digest: int = 1,
        *,
        error: LoadError | None = None,
        shown: dict[str, str] | None = None,
        name: str = "shop",
        loading: bool = False,
    ) -> Loaded:
        """Have somebody press "Reload": other definitions, the same ones, or an error."""
        served = self._load(digest, error, shown, loading)
        if name in self.names:
            self.serves = served
        else:
            self.neighbours[name] = served
        return served

    def will_load(self, digest: int = 1, *, error: LoadError | None = None, loading: bool = False) -> None:
        """Say what the next reload that we ask for brings."""
        self.reloads.append(self._load(digest, error, None, loading))

    def flap(self) -> None:
        """Answer with another key, and nothing else: who asked and who watches report one reload each for themselves."""
        self.loads += 1
        self.serves = replace(self.serves, key=f"key-{self.loads}")

    def restart(self) -> None:
        """Have the webserver come back: it loads all that it has anew."""
        for name, served in list(self._served().items()):
            self.load(served.digest, error=served.error, shown=served.shown, name=name)

    def report(self, location: str) -> LocationReport | None:
        """Answer what is served: metadata, definitions and all."""
        found, served = super().report(location), self._served().get(location)
        for happening in self.reading:
            happening()
        if location in self.odd:
            raise ZeroDivisionError("Nobody thought of this.")
        if found is None or served is None:
            return found
        shown = {"library/dagster": "1.13.27", **served.shown}
        place = {"working_directory": f"/srv/releases/{found.version_key}"}
        written = b"" if found.error else canonical_json({"assets": self.assets(served.digest)})
        return replace(
            found,
            metadata=shown | place,
            placeless=shown | {"working_directory": "{release}"},
            written=written,
        )

    def assets(self, digest: int) -> list:
        """Answer what these definitions define: `orders`, whose code version they number, and `customers`."""
        return [form("orders", code_version=str(digest)), form("customers")]

    def _load(self, digest: int, error: LoadError | None, shown: dict[str, str] | None, loading: bool) -> Loaded:
        self.loads += 1
        server = None if error else f"server-{self.loads}"
        return Loaded(server, digest, error, loading, key=f"key-{self.loads}", shown=shown or {})
