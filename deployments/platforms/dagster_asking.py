"""Questions to a Dagster of whichever version: asked whole first, and without what it does not know if it refuses."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from deployments.platforms.base import PlatformUnreachable
from deployments.platforms.dagster_http import Allowance, GraphQLEndpoint, NotInSchema
from deployments.platforms.dagster_schema import INTROSPECTION, Schema, introspected

Question = Callable[[Schema], str]


class Asker:
    """Asks one GraphQL endpoint. `schema` is what we know of it by now."""

    def __init__(self, endpoint: GraphQLEndpoint) -> None:
        self._endpoint = endpoint
        self.name = endpoint.name
        self.schema = Schema()

    def ask(
        self,
        question: Question,
        variables: Mapping[str, Any] | None = None,
        *,
        allowance: Allowance | None = None,
        patience: float = 1.0,
    ) -> dict[str, Any]:
        """Answer the question's data; one that does not fit the schema is asked again, fitted to it.

        Raises PlatformRefused or PlatformUnreachable.
        """
        try:
            return self._endpoint.query(question(self.schema), variables, allowance=allowance, patience=patience)
        except NotInSchema:
            answer = self._endpoint.query(INTROSPECTION, allowance=allowance)
            with self.understanding():
                self.schema = introspected(answer)
        try:
            return self._endpoint.query(question(self.schema), variables, allowance=allowance, patience=patience)
        except NotInSchema as problem:
            said = f"{problem} This portal knows Dagster 1.9 and newer: check its version."
            raise PlatformUnreachable("platform_odd_answer", said) from problem

    def mutate(self, text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the mutation's data; asked exactly once. Raises also TimedOut."""
        return self._endpoint.mutate(text, variables)

    def odd(self, what: str) -> PlatformUnreachable:
        """Make the exception for an answer that is not one of Dagster's."""
        return self._endpoint.odd(what)

    def close(self) -> None:
        """Close our connections."""
        self._endpoint.close()

    @contextmanager
    def understanding(self) -> Iterator[None]:
        """Turn an answer of another shape than Dagster's into PlatformUnreachable."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
            raise self.odd(
                "answered in GraphQL, but not as Dagster 1.9 or newer does: check address and version."
            ) from problem
