"""Airflow's REST API, version 2, as whoever we were told to be."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from deployments.platforms.base import PlatformRefused, PlatformUnreachable
from deployments.platforms.exchange import Allowance, Answer, Exchange, Limits, Product

AIRFLOW = Product("Airflow", "https://airflow.example.com:8080")
API = "/api/v2"
PAGE = 100  # rows; what an Airflow gives at most unless somebody set maximum_page_limit
# Statuses under which Airflow itself speaks, in JSON.
SPEAKS = frozenset({400, 401, 403, 404, 405, 406, 409, 422})
TOO_OLD = "version_too_old"
NOT_ALLOWED = "not_allowed"


class AirflowEndpoint:
    """One API server. With a user it is asked as that user, by a token that is fetched at need; else by the headers alone."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: float,
        client: httpx.Client | None,
        limits: Limits,
        user: str,
        password: str,
    ) -> None:
        self._exchange = Exchange(AIRFLOW, url, headers=headers, timeout=timeout, client=client, limits=limits)
        self._exchange.never_say(password)
        self.name = self._exchange.name
        self._user, self._password = user, password
        self._token = ""
        self._lead = timedelta()

    def close(self) -> None:
        """Close the connections, unless the client was given to us."""
        self._exchange.close()

    def odd(self, what: str) -> PlatformUnreachable:
        """Make the exception for an answer that is not one of Airflow's."""
        return self._exchange.odd(what)

    def its_time(self, ours: datetime) -> datetime:
        """Answer what Airflow's clock says at our time, as far as its last answer told: up to a second too little."""
        return ours + self._lead

    @contextmanager
    def understanding(self) -> Iterator[None]:
        """Turn an answer of another shape than Airflow's into PlatformUnreachable."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
            raise self.odd("answered in JSON, but not as Airflow 3 does: check address and version.") from problem

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, *, allowance: Allowance | None = None
    ) -> dict[str, Any]:
        """Answer what is there. Raises PlatformRefused or PlatformUnreachable."""
        found = self.find(path, params, allowance=allowance)
        if found is None:
            self._refuse_the_old()
            raise self.odd(
                f"has no {API}{path} (HTTP 404): give the API server's own address, with its path prefix if it has one."
            )
        return found

    def find(
        self, path: str, params: Mapping[str, Any] | None = None, *, allowance: Allowance | None = None
    ) -> dict[str, Any] | None:
        """Answer what is there, None when it is not. Raises PlatformRefused or PlatformUnreachable."""
        answer = self._ask("GET", path, params, allowance)
        if answer.status == 404:
            return None
        self._refuse(answer)
        return self._object(answer)

    def page(
        self,
        path: str,
        name: str,
        params: Mapping[str, Any] | None = None,
        *,
        most: int,
        allowance: Allowance | None = None,
    ) -> tuple[list[dict[str, Any]], int]:
        """Answer at most so many rows of a list, page by page, and how many Airflow has. `name`: the list's field."""
        rows: list[dict[str, Any]] = []
        while True:
            asked = {**(params or {}), "limit": min(PAGE, most - len(rows)), "offset": len(rows)}
            found = self.get(path, asked, allowance=allowance)
            with self.understanding():
                part = [dict(row) for row in found[name]]
                total = int(found["total_entries"])
            rows += part
            if not part or len(rows) >= min(most, total):
                return rows, total

    def put(self, path: str) -> int:
        """Answer the status of the request: 201, 404 or 409. Raises PlatformRefused or PlatformUnreachable."""
        answer = self._ask("PUT", path, None, None)
        if answer.status == 403:
            raise PlatformRefused(
                NOT_ALLOWED,
                f"{self.name} does not let us have files read again: that needs the role User or a higher one for "
                f"{self._user or 'whom the headers name'}. It said: {self._said(answer)}.",
            )
        if answer.status not in (200, 201, 204, 404, 409):
            self._refuse(answer)
        return answer.status

    def _ask(self, method: str, path: str, params: Mapping[str, Any] | None, allowance: Allowance | None) -> Answer:
        if self._user and not self._token:
            self._log_in()
        answer = self._send(method, path, params, allowance)
        if self._user and _is_about_the_token(answer):
            # It has run out, or Airflow was restarted under another secret: once more, then it is a refusal.
            self._log_in()
            answer = self._send(method, path, params, allowance)
        return answer

    def _send(self, method: str, path: str, params: Mapping[str, Any] | None, allowance: Allowance | None) -> Answer:
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}

        def once() -> Answer:
            return self._exchange.send(
                method, API + path, params=params, headers=headers, allowance=allowance, understood=SPEAKS
            )

        answer = self._exchange.patiently(once)
        with suppress(TypeError, ValueError):  # no date, or none that could be read
            self._lead = parsedate_to_datetime(answer.date) - datetime.now(UTC)
        return answer

    def _log_in(self) -> None:
        """Fetch a token. Raises PlatformRefused or PlatformUnreachable."""
        self._token = ""
        asked = {"username": self._user, "password": self._password}
        answer = self._exchange.patiently(
            lambda: self._exchange.send("POST", "/auth/token", json=asked, understood=SPEAKS)
        )
        if answer.status in (401, 403, 422):
            raise PlatformRefused(
                "platform_auth",
                f"{self.name} does not know the user {self._user} by this password: set both anew in the connection.",
            )
        if answer.status in (404, 405):
            self._refuse_the_old()
            raise PlatformRefused(
                "platform_auth",
                f"{self.name} gives out no tokens for a user and a password (HTTP {answer.status}): its login manager "
                "has another way. Give a token of it as a header instead.",
            )
        self._refuse(answer)
        found = self._object(answer)
        with self.understanding():
            token = found["access_token"]
            if not isinstance(token, str) or not token.isascii() or not token.isprintable():
                raise TypeError("no token")
        self._token = token
        self._exchange.never_say(token)

    def _refuse(self, answer: Answer) -> None:
        """Raise for an answer that is a refusal."""
        if answer.status in (401, 403):
            who = f"the user {self._user} and their role" if self._user else "the headers configured for it"
            raise PlatformRefused(
                "platform_auth",
                f"{self.name} refused us (HTTP {answer.status}, {self._said(answer)}): check {who}.",
            )
        if answer.status >= 400:
            raise self.odd(f"could not answer our question (HTTP {answer.status}): {self._said(answer)}.")

    def _refuse_the_old(self) -> None:
        """Refuse an Airflow 2, which has version 1 of the API alone. Raises PlatformRefused and what asking raises."""
        answer = self._exchange.patiently(lambda: self._exchange.send("GET", "/api/v1/version", understood=SPEAKS))
        try:
            version = json.loads(answer.body)["version"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        if answer.status == 200:
            raise PlatformRefused(
                TOO_OLD,
                f"{self.name} is version {self._exchange.speakable(str(version))[:40]}: this portal knows Airflow 3.0 and newer.",
            )

    def _object(self, answer: Answer) -> dict[str, Any]:
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self.odd(
                f"did not answer in JSON (HTTP {answer.status}): give the API server's own address, with its path prefix "
                "if it has one, or the headers that spare a login page."
            )
        return found

    def _said(self, answer: Answer) -> str:
        """Answer what Airflow says of its refusal, in its own words."""
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        told = found.get("detail", found.get("title", "")) if isinstance(found, dict) else ""
        return self._exchange.speakable(told if isinstance(told, str) else json.dumps(told))


def _is_about_the_token(answer: Answer) -> bool:
    """Say whether it was the token that was refused: one that is no longer valid is answered with 403, too."""
    return answer.status == 401 or (answer.status == 403 and b"JWT" in answer.body)
