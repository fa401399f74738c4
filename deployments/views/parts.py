"""What a deploy consists of, part by part, and which deploy each part came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments import configuration, drivers
from deployments.models import Deploy, Release


@dataclass(frozen=True)
class Part:
    """One part as a page shows it. `origin` is the number of another deploy that brought it; `applied` says who put it.

    `mixed`: it consists of what several deploys brought.
    """

    kind: str  # bundle, image, runtime or settings
    name: str  # the mount, "image", "runtime version" or "settings"
    value: str  # in full
    short: str
    origin: int | None = None
    applied: bool = True
    file_count: int | None = None
    size: int | None = None
    mixed: bool = False

    @property
    def removed(self) -> bool:
        """Say whether this push takes the part away."""
        return not self.value


def parts_of(deploy: Deploy, *, puts: frozenset[str] | None = None) -> list[Part]:
    """Answer the parts: of the composed release, or, before there is one, those that were asked for."""
    if puts is None:
        puts = drivers.puts_of(deploy.code_location)
    return _composed(deploy, puts) if deploy.release else _asked(deploy, puts)


def image_tag(image: str) -> str:
    """Answer what people call an image's version: its tag, or the beginning of its digest."""
    reference, _, digest = image.partition("@")
    _, colon, tag = reference.rpartition("/")[2].partition(":")
    return tag if colon else digest.removeprefix("sha256:")[:12] or reference


def pinned(release: Release | None) -> str:
    """Answer the image as it is ordered: by its digest, where that is known."""
    if release is None or not release.image_digest or "@" in release.image:
        return release.image if release else ""
    return f"{release.image}@{release.image_digest}"


def _composed(deploy: Deploy, puts: frozenset[str]) -> list[Part]:
    release = deploy.release
    assert release is not None
    bundles = [
        Part(
            kind="bundle",
            name=mounted.mount,
            value=mounted.bundle.digest,
            short=mounted.bundle.version,
            origin=_origin(deploy, f"bundle:{mounted.mount}"),
            applied="bundles" in puts,
            file_count=mounted.bundle.file_count,
            size=mounted.bundle.size,
        )
        for mounted in sorted(release.mounts.all(), key=lambda each: each.mount)
    ]
    # What was pushed: the same bytes may have another tag where they came from first.
    others = _others(deploy, deploy.parts.get("image") or release.image, release.runtime_version, puts)
    return bundles + others + _settings(deploy, release.settings, puts)


def _asked(deploy: Deploy, puts: frozenset[str]) -> list[Part]:
    bundles = [
        Part("bundle", mount, digest or "", (digest or "")[:12], applied="bundles" in puts)
        for mount, digest in sorted(deploy.parts.get("bundles", {}).items())
    ]
    image, runtime = deploy.parts.get("image") or "", deploy.parts.get("runtime_version") or ""
    return bundles + _others(deploy, image, runtime, puts) + _settings(deploy, deploy.parts.get("settings") or {}, puts)


def _others(deploy: Deploy, image: str, runtime_version: str, puts: frozenset[str]) -> list[Part]:
    found = []
    if image:
        origin = _origin(deploy, "image")
        found.append(Part("image", "image", image, image_tag(image), origin, applied="image" in puts))
    if runtime_version:
        origin = _origin(deploy, "runtime_version")
        applied = "runtime_version" in puts
        found.append(Part("runtime", "runtime version", runtime_version, runtime_version, origin, applied=applied))
    return found


def _settings(deploy: Deploy, stored: Mapping[str, Any], puts: frozenset[str]) -> list[Part]:
    """Answer the settings as one part: how many there are, and which deploy brought them, if it was one."""
    names = configuration.flat(stored)
    if not names:
        return []
    count = f"{len(names)} setting{'s' * (len(names) != 1)}"
    origins = {_origin(deploy, name) for name in names}
    origin = origins.pop() if len(origins) == 1 else None
    return [
        Part("settings", "settings", count, count, origin, applied="settings" in puts, mixed=len(origins) > 1),
    ]


def _origin(deploy: Deploy, name: str) -> int | None:
    origin: int | None = deploy.origins.get(name)
    return origin if origin != deploy.number else None
