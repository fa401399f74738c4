"""What a push becomes: its parts laid over the release that is live."""

from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects

from deployments import configuration
from deployments.models import Bundle, CodeLocation, Deploy, Release, ReleaseBundle
from deployments.states import RollbackScope
from portal.common.canonical import digest_of
from portal.common.problems import Refusal

DAGS = "bundle:dags"


@dataclass(frozen=True)
class Composition:
    """A release before it is a row. `origins`: for each part, the number of the deploy that it came with."""

    image: str = ""
    image_digest: str = ""
    runtime_version: str = ""
    bundles: dict[str, Bundle] = field(default_factory=dict)
    settings: configuration.Settings = field(default_factory=dict)
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
        return digest_of({"code": self.code_digest, "settings": self.settings_digest})

    @property
    def settings_digest(self) -> str:
        """Name the settings, "" where there are none."""
        return configuration.digest(self.settings)


def part_names(parts: dict[str, Any]) -> set[str]:
    """Answer the names of the parts that a push changes: `image`, `runtime_version`, `bundle:<mount>`, `settings:…`."""
    return set(values_by_name(parts))


def values_by_name(parts: dict[str, Any]) -> dict[str, Any]:
    """Answer the parts of a push by their names; None takes one away."""
    named = {f"bundle:{mount}": digest for mount, digest in parts.get("bundles", {}).items()}
    named |= {name: parts[name] for name in ("image", "runtime_version") if name in parts}
    return named | configuration.flat(parts.get("settings"))


def parts_by_name(deploy: Deploy) -> dict[str, dict[str, Any]]:
    """Answer all that a push brings, carried parts included: {part: {value, from: number}}."""
    carried: dict[str, dict[str, Any]] = deploy.carried
    own = values_by_name(deploy.parts)
    return carried | {name: {"value": value, "from": deploy.number} for name, value in own.items()}


def parts_of(by_name: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Answer what `parts_by_name` answered as one push's parts."""
    parts: dict[str, Any] = {}
    for name, part in by_name.items():
        if name.startswith("bundle:"):
            parts.setdefault("bundles", {})[name.removeprefix("bundle:")] = part["value"]
        elif name.startswith(configuration.PREFIX):
            group, key = configuration.split(name)
            parts.setdefault("settings", {}).setdefault(group, {})[key] = part["value"]
        else:
            parts[name] = part["value"]
    return parts


def base_of(location: CodeLocation) -> Deploy | None:
    """Answer the deploy that pushes are laid over: the live one.

    What somebody else loaded by hand is live without our knowing its files: there it is the newest whose files we know.
    Where nothing ever went live, it is what is in place: a push of something else must not empty the folder.
    """
    live = location.live_deploy
    if live is None:
        return location.placed_deploy
    if live is None or live.release is None or not live.release.provisional or location.deployment.puts_images:
        return live
    known = location.deploys.went_live().filter(release__provisional=False)
    return known.select_related("release").first()


def compose(live: Deploy | None, pushed: dict[str, dict[str, Any]], *, bundles: dict[str, Bundle]) -> Composition:
    """Lay the pushed parts over what is live. `bundles` holds the pushed bundles by digest."""
    base = composition_of(live.release if live else None)
    image, image_digest, runtime_version = base.image, base.image_digest, base.runtime_version
    mounts, settings = dict(base.bundles), configuration.flat(base.settings)
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
            settings.pop(name, None)
            origins.pop(name)
        elif name.startswith(configuration.PREFIX):
            settings[name] = value
        else:
            mounts[name.removeprefix("bundle:")] = bundles[value]
    return Composition(image, image_digest, runtime_version, mounts, configuration.nested(settings), origins)


def composition_of(release: Release | None) -> Composition:
    """Answer what a release consists of; of none, nothing."""
    if release is None:
        return Composition()
    load_mounts(release)
    mounts = {mount.mount: mount.bundle for mount in release.mounts.all()}
    return Composition(release.image, release.image_digest, release.runtime_version, mounts, release.settings)


def load_mounts(*releases: Release | None) -> None:
    """Load the mounts of these releases, and their bundles, in one query: of those that do not have them yet."""
    missing = [release for release in releases if release is not None and not _are_mounts_loaded(release)]
    prefetch_related_objects(missing, Prefetch("mounts", ReleaseBundle.objects.select_related("bundle")))


def restore(restored: Deploy, live: Deploy | None, scope: str) -> Composition:
    """Answer what a rollback brings: all of the restored deploy, or its code or its settings with the rest of what is live.

    The code brings along the settings that go with it: whether DAGs may be deployed, and which Airflow it runs on. They
    stay with the code that stays, too.
    """
    then, now = composition_of(restored.release), composition_of(live.release if live else None)
    origins_then, origins_now = dict(restored.origins), dict(live.origins) if live else {}
    if scope == RollbackScope.CODE:
        code, code_origins, others, others_origins = then, origins_then, now, origins_now
    elif scope == RollbackScope.SETTINGS:
        code, code_origins, others, others_origins = now, origins_now, then, origins_then
    else:
        return replace(then, origins=origins_then)
    settings = _with_code(configuration.flat(code.settings), configuration.flat(others.settings))
    origins = _with_code(code_origins, others_origins)
    return replace(code, settings=configuration.nested(settings), origins=origins)


def _are_mounts_loaded(release: Release) -> bool:
    return "mounts" in getattr(release, "_prefetched_objects_cache", {})


def _with_code(code: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Answer what belongs to the code as it is there, and the settings as they are in the other."""
    kept = {name: value for name, value in code.items() if _goes_with_code(name)}
    return kept | {name: value for name, value in others.items() if not _goes_with_code(name)}


def _goes_with_code(part: str) -> bool:
    return not part.startswith(configuration.PREFIX) or part in configuration.OF_CODE


def refuse_dags_alone(location: CodeLocation, pushed: dict[str, dict[str, Any]], composed: Composition) -> None:
    """Refuse DAGs without an image where the settings switch that off. Raises Refusal `dag_deploy_disabled`."""
    off = configuration.runtime_of(composed.settings, "dag_deploy_enabled") is False
    if off and DAGS in pushed and not (pushed.get("image") or {}).get("value"):
        raise Refusal(
            f"DAG-only deploys are switched off in {location.deployment} (runtime.dag_deploy_enabled is false): deploy an "
            "image that has the DAGs in it, or switch them on with --setting dag_deploy_enabled=true.",
            code="dag_deploy_disabled",
        )


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
            "settings": composition.settings,
            "settings_digest": composition.settings_digest,
        },
    )
    if created:
        ReleaseBundle.objects.bulk_create(
            ReleaseBundle(release=release, mount=mount, bundle=bundle) for mount, bundle in composition.bundles.items()
        )
    elif release.purged_at:
        # Its bundles were uploaded again, and its settings were sent again: the same content is here once more.
        release.purged_at, release.purged_because, release.settings = None, "", composition.settings
        release.save(update_fields=["purged_at", "purged_because", "settings"])
    elif release.settings != (readable := configuration.renewed(release.settings, composition.settings)):
        release.settings = readable
        release.save(update_fields=["settings"])
    return release


def digest_in(image: str) -> str:
    """Answer the digest that an image reference carries after `@`, or nothing."""
    return image.partition("@")[2]
