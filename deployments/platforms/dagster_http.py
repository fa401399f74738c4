"""GraphQL over HTTP to a server we do not trust to be a GraphQL server at all."""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

from deployments.platforms.base import PlatformUnreachable
from deployments.platforms.exchange import Allowance, Answer, Exchange, Limits, Product, TimedOut

__all__ = ["Allowance", "GraphQLEndpoint", "Limits", "NotInSchema", "TimedOut"]

DAGSTER = Product("Dagster", "https://dagster.example.com:3000")
# What a GraphQL server says before it executes anything, about a question that its schema does not fit.
NOT_IN_SCHEMA = re.compile(r"Cannot query field|Unknown type|Unknown argument|Fragment .* can never be of type")


class NotInSchema(PlatformUnreachable):
    """The question names what this server does not have; nothing of it was executed."""


class GraphQLEndpoint:
    """One GraphQL server. Messages name it without user, password, query or any header's value."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: float,
        client: httpx.Client | None,
        limits: Limits,
    ) -> None:
        self._exchange = Exchange(DAGSTER, url, headers=headers, timeout=timeout, client=client, limits=limits)
        self.name = self._exchange.name

    def close(self) -> None:
        """Close the connections, unless the client was given to us."""
        self._exchange.close()

    def query(
        self,
        text: str,
        variables: Mapping[str, Any] | None = None,
        *,
        allowance: Allowance | None = None,
        patience: float = 1.0,
    ) -> dict[str, Any]:
        """Answer the query's `data`, trying again quickly when the connection or a gateway fails.

        `patience` multiplies the time allowed. Raises PlatformRefused or PlatformUnreachable.
        """
        return self._data_of(self._exchange.patiently(lambda: self._post(text, variables, allowance, patience)))

    def mutate(self, text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the mutation's `data`; asked exactly once. Raises also TimedOut."""
        return self._data_of(self._post(text, variables, None, 1.0))

    def odd(self, what: str) -> PlatformUnreachable:
        """Make the exception for an answer that is not one of Dagster's."""
        return self._exchange.odd(what)

    def _post(
        self, text: str, variables: Mapping[str, Any] | None, allowance: Allowance | None, patience: float
    ) -> Answer:
        return self._exchange.send(
            "POST",
            "/graphql",
            json={"query": text, "variables": dict(variables or {})},
            allowance=allowance,
            patience=patience,
        )

    def _data_of(self, told: Answer) -> dict[str, Any]:
        """Answer the `data` of a GraphQL answer; Dagster sends it with HTTP 500 too, for errors it caught."""
        try:
            answer = json.loads(told.body)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
            raise self.odd(
                f"did not answer in GraphQL (HTTP {told.status}): give the webserver's own address, with its path "
                "prefix if it has one and without /graphql."
            )
        if answer.get("errors"):
            said = self._first_error(answer["errors"])
            kind = NotInSchema if NOT_IN_SCHEMA.match(said) else PlatformUnreachable
            raise kind("platform_odd_answer", f"{self.name} could not answer our query (HTTP {told.status}): {said}.")
        if not isinstance(answer.get("data"), dict):
            raise self.odd(f"answered our query with no data (HTTP {told.status}).")
        data: dict[str, Any] = answer["data"]
        return data

    def _first_error(self, errors: Any) -> str:
        first = errors[0] if isinstance(errors, list) else errors
        return self._exchange.speakable(str(first.get("message", "")) if isinstance(first, dict) else str(first))
