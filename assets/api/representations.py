"""How rows of assets look outside. The contract's names."""

from collections.abc import Collection, Mapping
from typing import Any

from rest_framework import serializers

from assets import history
from assets.comparing import fullest
from assets.comparison import Comparison, Detailed
from assets.definitions import keys
from assets.models import Asset, AssetChange, AssetSet
from deployments.commits import commit_url
from deployments.models import Deploy


class DeployBrief(serializers.Serializer[Deploy]):
    """A deploy, as rows about other things name it."""

    number = serializers.IntegerField()
    kind = serializers.CharField()
    status = serializers.CharField()
    verified = serializers.BooleanField(allow_null=True)
    description = serializers.CharField()
    actor = serializers.SerializerMethodField()
    git = serializers.SerializerMethodField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_actor(self, deploy: Deploy) -> dict[str, str]:
        """Answer who did it."""
        return {"name": deploy.actor_name, "kind": deploy.actor_kind}

    def get_git(self, deploy: Deploy) -> dict[str, Any]:
        """Answer where the code came from, with a link when there is one."""
        return {**deploy.git, "commit_url": commit_url(deploy.git)} if deploy.git else {}


class AssetOut(serializers.Serializer[Asset]):
    """An asset of the newest recorded set. `changed` is what changed it last."""

    key = serializers.CharField()
    path = serializers.ListField(child=serializers.CharField())
    world = serializers.CharField()
    group = serializers.CharField(allow_null=True)
    kinds = serializers.ListField(child=serializers.CharField())
    version = serializers.IntegerField(allow_null=True)
    changed = DeployBrief(allow_null=True)

    def to_representation(self, asset: Asset) -> dict[str, Any]:
        """Answer the row."""
        changed: Mapping[int, Deploy] = self.context["changed"]
        deploy = changed.get(asset.pk)
        return {
            "key": asset.key,
            "path": keys.parts(asset.key),
            "world": asset.chain.world,
            "group": asset.group or None,
            "kinds": asset.kinds.split(),
            "version": asset.current.number if asset.current else None,
            "changed": DeployBrief(deploy).data if deploy else None,
        }


class ChangeOut(serializers.Serializer[AssetChange]):
    """One step of one asset. `details` are those of `lastgood diff`; `definition` is there for what came or went."""

    key = serializers.CharField()
    kind = serializers.ChoiceField(choices=["added", "removed", "changed"])
    change_types = serializers.ListField(child=serializers.CharField())
    compared = serializers.ChoiceField(choices=["sent", "read", "common"], allow_null=True)
    before_version = serializers.IntegerField(allow_null=True)
    after_version = serializers.IntegerField(allow_null=True)
    details = serializers.DictField(allow_null=True)
    definition = serializers.DictField(allow_null=True)

    def to_representation(self, change: AssetChange) -> dict[str, Any]:
        """Answer the row."""
        ignored: Collection[str] = self.context["ignored"]
        details = history.details_of(change, ignored)
        return {
            "key": change.asset.key,
            "kind": change.kind.lower(),
            "change_types": history.words_of(change),
            "compared": change.sight.lower() if change.before and change.after else None,
            "before_version": change.before.number if change.before else None,
            "after_version": change.after.number if change.after else None,
            "details": details.as_json() if details else None,
            "definition": history.definition_of(change),
        }


class AssetStepOut(ChangeOut):
    """One step of one asset, with the deploy that made it."""

    deploy = DeployBrief()

    def to_representation(self, change: AssetChange) -> dict[str, Any]:
        """Answer the row."""
        return {"deploy": DeployBrief(change.deploy).data, **super().to_representation(change)}


class SetOut(serializers.Serializer[AssetSet]):
    """What was recorded of a deploy: who said so, and which deploy's assets it was compared with."""

    world = serializers.CharField(source="chain.world")
    source = serializers.CharField()  # type: ignore[assignment]  # the contract's word, also an argument of fields
    assets = serializers.IntegerField(source="asset_count")
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    changed = serializers.IntegerField()
    compared_with = serializers.IntegerField(source="follows.deploy.number", default=None, allow_null=True)
    known_from = serializers.IntegerField(source="known_from.number", default=None, allow_null=True)
    note = serializers.CharField()
    recorded_at = serializers.DateTimeField()


class StepOut(serializers.Serializer[Detailed]):
    """One asset that two deploys define differently."""

    key = serializers.CharField()
    kind = serializers.ChoiceField(choices=["added", "removed", "changed"])
    change_types = serializers.ListField(child=serializers.CharField())
    details = serializers.DictField(allow_null=True)
    definition = serializers.DictField(allow_null=True)

    def to_representation(self, detailed: Detailed) -> dict[str, Any]:
        """Answer the row."""
        step = detailed.step
        return {
            "key": step.key,
            "kind": step.kind.lower(),
            "change_types": step.difference.change_types if step.difference else [],
            "details": detailed.change.as_json() if detailed.change else None,
            "definition": detailed.definition,
        }


def compared(found: Comparison) -> dict[str, Any] | None:
    """Answer the counts of a comparison, and as of which deploys; None: nothing was recorded on one of the sides."""
    if not (found.old or found.new):
        return None
    return {
        **found.counts,
        "unchanged": found.unchanged,
        "by_type": found.by_type,
        "from_recorded": {each.chain.world: each.deploy.number for each in found.old},
        "to_recorded": {each.chain.world: each.deploy.number for each in found.new},
    }


def detail_of(asset: Asset) -> dict[str, Any]:
    """Answer an asset in full: what it is now, or was last."""
    last = history.last_change_of(asset)
    version = asset.current or (last.before if last else None)
    return {
        "key": asset.key,
        "path": keys.parts(asset.key),
        "world": asset.chain.world,
        "present": asset.current_id is not None,
        "version": version.number if version else None,
        "definition": fullest(version) if version else None,
        "exact": bool(version and version.sent),
        "upstream": history.upstream_of(asset) if asset.current_id else [],
        "downstream": history.downstream_of(asset),
        "changed": DeployBrief(last.deploy).data if last else None,
    }
