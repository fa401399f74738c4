"""Definitions as they lie in the database: canonical JSON."""

import json

from assets.definitions.normal import Definition


def written(definition: Definition) -> str:
    """Answer a definition as JSON text, with every letter that a database may refuse written as an escape."""
    return json.dumps(definition, sort_keys=True, separators=(",", ":"))


def opened(text: str) -> Definition:
    """Answer the definition of a text."""
    definition: Definition = json.loads(text)
    return definition
