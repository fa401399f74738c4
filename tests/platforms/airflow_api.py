"""A small Airflow of the tests' own: the API's lists out of plain data, paged, for whoever brings its token."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.platforms.http_server import Reply, Request, reply

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
USER, PASSWORD = "portal", "s3cr3t-p4ssw0rd"
BUNDLE = "dags-folder"


def dag(dag_id: str, *, at: datetime = NOON, took: float | None = 0.2, **said: Any) -> dict[str, Any]:
    """Answer a row of the list of DAGs."""
    row = {
        "dag_id": dag_id,
        "dag_display_name": dag_id,
        "is_paused": True,
        "is_stale": False,
        "has_import_errors": False,
        "last_parsed_time": at.isoformat(),
        "last_parse_duration": took,
        "bundle_name": BUNDLE,
        "bundle_version": None,
        "relative_fileloc": f"{dag_id}.py",
        "description": None,
        "timetable_summary": None,
        "timetable_description": "Never, external triggers only",
        "tags": [],
        "owners": ["airflow"],
        "next_dagrun_run_after": None,
    }
    row |= said
    row["fileloc"] = f"/srv/shop/current/dags/{row['relative_fileloc']}"
    return row | {"file_token": f"token-of-{row['relative_fileloc']}"}


def broken(file: str, *, at: datetime = NOON, line: str = "import nothing", **said: Any) -> dict[str, Any]:
    """Answer a row of the list of import errors, whose trace shows the file's first line."""
    trace = (
        f'Traceback (most recent call last):\n  File "/srv/shop/current/dags/{file}", line 1, in <module>\n'
        f"    {line}\nModuleNotFoundError: No module named 'nothing'\n"
    )
    row = {"import_error_id": 1, "timestamp": at.isoformat(), "filename": file, "bundle_name": BUNDLE}
    return row | {"stack_trace": trace} | said


class Airflow:
    """What is there, to be changed by tests: rows as the API gives them. Records the files that were asked for."""

    def __init__(self) -> None:
        self.version = "3.3.2"
        self.dags: list[dict[str, Any]] = []
        self.stale: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self.versions: list[dict[str, Any]] = []
        self.assets: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.sources: dict[str, str] = {}
        self.tasks: dict[str, list[dict[str, Any]]] = {}
        self.processor: dict[str, Any] | None = {
            "status": "healthy",
            "latest_dag_processor_heartbeat": NOON.isoformat(),
        }
        self.filters = True  # Airflow 3.0 ignores that it is asked for one bundle
        self.page_limit = 100
        self.tokens = 0
        self.asked_files: list[str] = []
        self.asked_sources: list[str] = []
        self.put_status = 201

    def __call__(self, request: Request) -> Reply:
        parts = urlsplit(request.path)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/auth/token":
            return self._token(json.loads(request.body))
        if not parts.path.startswith("/api/v2/"):
            return _json({"detail": "Not Found"}, 404)
        path = parts.path.removeprefix("/api/v2")
        if path not in ("/version", "/monitor/health") and self.bearer not in request.headers.values():
            return _json({"detail": "Invalid JWT token"}, 403)
        return self._answer(request.method, path, asked)

    @property
    def bearer(self) -> str:
        """The header that is let in: the newest token's."""
        return f"Bearer token-{self.tokens}"

    def _token(self, body: dict[str, str]) -> Reply:
        if (body["username"], body["password"]) != (USER, PASSWORD):
            return _json({"detail": "Invalid credentials"}, 401)
        self.tokens += 1
        return _json({"access_token": f"token-{self.tokens}"}, 201)

    def _answer(self, method: str, path: str, asked: dict[str, str]) -> Reply:
        match path.strip("/").split("/"):
            case ["version"]:
                return _json({"version": self.version})
            case ["monitor", "health"]:
                return _json({"metadatabase": {"status": "healthy"}, "dag_processor": self.processor})
            case ["dags"]:
                rows = self.dags if asked.get("exclude_stale") != "false" else [*self.dags, *self.stale]
                if self.filters:
                    rows = [row for row in rows if row["bundle_name"] == asked.get("bundle_name", row["bundle_name"])]
                return self._page("dags", rows, asked)
            case ["importErrors"]:
                return self._page("import_errors", self.errors, asked)
            case ["assets"]:
                return self._page("assets", self.assets, asked)
            case ["dags", "~", "dagVersions"]:
                return self._page("dag_versions", self.versions, asked)
            case ["dags", "~", "dagRuns"]:
                return self._page("dag_runs", self.runs, asked)
            case ["dags", dag_id, "tasks"]:
                return _json({"tasks": self.tasks.get(dag_id, []), "total_entries": 0})
            case ["dagSources", dag_id] if dag_id in self.sources:
                self.asked_sources.append(dag_id)
                return _json({"content": self.sources[dag_id], "dag_id": dag_id})
            case ["parseDagFile", token] if method == "PUT":
                self.asked_files.append(token.removeprefix("token-of-"))
                return _json(None if self.put_status == 201 else {"detail": "Forbidden"}, self.put_status)
        return _json({"detail": "Not Found"}, 404)

    def _page(self, name: str, rows: list[dict[str, Any]], asked: dict[str, str]) -> Reply:
        start, limit = int(asked.get("offset", 0)), min(int(asked.get("limit", 50)), self.page_limit)
        return _json({name: rows[start : start + limit], "total_entries": len(rows)})


def later(seconds: float) -> datetime:
    """Answer the time so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def _json(value: Any, status: int = 200) -> Reply:
    return reply(json.dumps(value), status, content_type="application/json")
