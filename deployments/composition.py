"""What a push becomes: its parts laid over the release that is live."""

from dataclasses import dataclass, field
from typing import Any

from deployments.models import Bundle, CodeLocation, Deploy, Release, ReleaseBundle
from portal.common.canonical import digest_of


@dataclass(frozen=True)
class Composition:
    """A release before it is a row. `origins`: for each part, the number of the deploy that it came with."""

    image: str = ""
    image_digest: str = ""
    runtime_version: str = ""
    bundles: dict[str, Bundle] = field(default_factory=dict)
    origins: dict[str, int] = field(default_factory=dict)

    @property
    def code_digest(self) -> str:
        """Name the code: image, bundles at their mounts, runtime version."""
        return digest_of(
            {
                "image": self.image_digest or self.image,
                "bundles": {mount: bundle.digest for mount, bundle in self.bundles.items()},
                "runtime_version": self.runtime_version,
            }
        )

    @property
    def digest(self) -> str:
        """Name all of it: the code and the settings."""
        return digest_of({"code": self.code_digest, "settings": ""})


def part_names(parts: dict[str, Any]) -> set[str]:
    """Answer the names of the parts that a push changes: `image`, `runtime_version`, `bundle:<mount>`."""
    names = {f"bundle:{mount}" for mount in parts.get("bundles", {})}
    return names | {name for name in ("image", "runtime_version") if name in parts}


def parts_by_name(deploy: Deploy) -> dict[str, dict[str, Any]]:
    """Answer all that a push brings, carried parts included: {part: {value, from: number}}."""
    own: dict[str, Any] = {f"bundle:{mount}": digest for mount, digest in deploy.parts.get("bundles", {}).items()}
    own |= {name: deploy.parts[name] for name in ("image", "runtime_version") if name in deploy.parts}
    carried: dict[str, dict[str, Any]] = deploy.carried
    return carried | {name: {"value": value, "from": deploy.number} for name, value in own.items()}


def parts_of(by_name: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Answer what `parts_by_name` answered as one push's parts."""
    parts: dict[str, Any] = {}
    for name, part in by_name.items():
        if name.startswith("bundle:"):
            parts.setdefault("bundles", {})[name.removeprefix("bundle:")] = part["value"]
        else:
            parts[name] = part["value"]
    return parts


def base_of(location: CodeLocation) -> Deploy | None:
    """Answer the deploy that pushes are laid over: the live one.

    What somebody else loaded by hand is live without our knowing its files: there it is the newest whose files we know.
    """
    live = location.live_deploy
    if live is None or live.release is None or not live.release.provisional or location.deployment.puts_images:
        return live
    known = location.deploys.went_live().filter(release__provisional=False)
    return known.select_related("release").first()


def compose(live: Deploy | None, pushed: dict[str, dict[str, Any]], *, bundles: dict[str, Bundle]) -> Composition:
    """Lay the pushed parts over what is live. `bundles` holds the pushed bundles by digest."""
    base = live.release if live else None
    image, image_digest = (base.image, base.image_digest) if base else ("", "")
    runtime_version = base.runtime_version if base else ""
    mounts = {mount.mount: mount.bundle for mount in base.mounts.select_related("bundle")} if base else {}
    origins = dict(live.origins) if live else {}
    for name, part in pushed.items():
        value = part["value"]
        origins[name] = part["from"]
        if name == "image":
            image, image_digest = value or "", digest_in(value or "")
        elif name == "runtime_version":
            runtime_version = value or ""
        elif value is None:
            mounts.pop(name.removeprefix("bundle:"), None)
            origins.pop(name)
        else:
            mounts[name.removeprefix("bundle:")] = bundles[value]
    return Composition(image, image_digest, runtime_version, mounts, origins)


def release_of(location: CodeLocation, composition: Composition) -> Release:
    """Answer the release with this content: the one that there is, brought back from purging if need be, or a new one."""
    release, created = Release.objects.get_or_create(
        code_location=location,
        digest=composition.digest,
        defaults={
            "code_digest": composition.code_digest,
            "image": composition.image,
            "image_digest": composition.image_digest,
            "runtime_version": composition.runtime_version,
        },
    )
    if created:
        ReleaseBundle.objects.bulk_create(
            ReleaseBundle(release=release, mount=mount, bundle=bundle) for mount, bundle in composition.bundles.items()
        )
    elif release.purged_at:
        # Its bundles were uploaded again: the same content is here once more.
        release.purged_at, release.purged_because = None, ""
        release.save(update_fields=["purged_at", "purged_because"])
    return release


def digest_in(image: str) -> str:
    """Answer the digest that an image reference carries after `@`, or nothing."""
    return image.partition("@")[2]
