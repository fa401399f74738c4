"""What somebody says that a deploy defines, with the digests of it: made before any lock is taken."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from assets.definitions.normal import Definition
from assets.definitions.prints import digest_of
from assets.states import Sight, Source, World

WORLD_OF = {Source.SNAPSHOT: World.ASSETS, Source.PLATFORM: World.ASSETS, Source.DBT: World.DBT}
SIGHT_OF = {Source.SNAPSHOT: Sight.SENT, Source.PLATFORM: Sight.READ, Source.DBT: Sight.SENT}


@dataclass(frozen=True)
class Observation:
    """Definitions by key as shown, the digest of each without the `ignored` labels, and of all of them."""

    source: Source
    definitions: Mapping[str, Definition]
    digests: Mapping[str, str]
    ignored: tuple[str, ...]
    digest: str
    platform_digest: str = ""
    note: str = ""

    @property
    def world(self) -> World:
        """Answer the world that the source speaks of."""
        return WORLD_OF[self.source]

    @property
    def sight(self) -> Sight:
        """Answer in whose eyes these definitions are."""
        return SIGHT_OF[self.source]


def observe(
    source: Source,
    definitions: Mapping[str, Definition],
    *,
    ignored: Collection[str] = (),
    platform_digest: str = "",
    note: str = "",
) -> Observation:
    """Answer the observation of these definitions. Raises SnapshotError on text that nobody can write down."""
    labels = frozenset(ignored)
    digests = {key: digest_of(definition, labels) for key, definition in definitions.items()}
    return Observation(
        source, definitions, digests, tuple(sorted(labels)), whole_digest(digests), platform_digest, note
    )


def whole_digest(digests: Mapping[str, str]) -> str:
    """Answer one digest of all of them."""
    lines = hashlib.sha256()
    for key in sorted(digests):
        lines.update(f"{key}\0{digests[key]}\n".encode())
    return lines.hexdigest()
