"""How a rollback plan looks outside."""

from typing import Any

from rest_framework import serializers

from deployments.changes import MountChange
from deployments.models import Deploy
from deployments.planning import Plan
from deployments.states import RollbackScope


class SideOut(serializers.Serializer[Any]):
    """A deploy, as far as a plan tells of it."""

    number = serializers.IntegerField()
    kind = serializers.CharField()
    status = serializers.CharField()
    description = serializers.CharField()
    actor = serializers.CharField()
    created_at = serializers.DateTimeField()
    release = serializers.CharField(allow_null=True)


class PlanOut(serializers.Serializer[Any]):
    """What a rollback would do, as things stand now."""

    place = serializers.CharField()
    etag = serializers.CharField()
    scope = serializers.ChoiceField(choices=RollbackScope.values)
    to = SideOut()
    served = SideOut(allow_null=True, help_text="What is served now.")
    release = serializers.DictField(help_text="{digest, code_digest, settings_digest, composed}: what is put in place.")
    restorable = serializers.JSONField(help_text="true, or {code, detail}.")
    changes_nothing = serializers.BooleanField()
    files_unknown = serializers.BooleanField()
    bundles = serializers.ListField(child=serializers.DictField())
    image = serializers.DictField(allow_null=True)
    runtime_version = serializers.DictField(allow_null=True)
    settings = serializers.ListField(child=serializers.DictField())
    steps_over = SideOut(many=True)
    more_steps = serializers.BooleanField()
    happens = serializers.ListField(child=serializers.CharField())
    stays = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField())
    barriers = serializers.ListField(child=serializers.DictField())
    acknowledge = serializers.ListField(child=serializers.CharField())
    agents = serializers.ListField(child=serializers.DictField())
    runs_in_flight = serializers.DictField(allow_null=True)
    assets = serializers.JSONField(allow_null=True)


def plan_body(plan: Plan) -> dict[str, Any]:
    """Answer the plan as JSON."""
    composed = plan.composed
    return {
        "place": str(plan.location),
        "etag": plan.etag,
        "scope": str(plan.scope),
        "to": _side(plan.target),
        "served": _side(plan.served) if plan.served else None,
        "release": {
            "digest": composed.digest,
            "code_digest": composed.code_digest,
            "settings_digest": composed.settings_digest,
            "composed": plan.is_composed,
        },
        "restorable": {"code": plan.obstacle.code, "detail": plan.obstacle.detail} if plan.obstacle else True,
        "changes_nothing": plan.changes_nothing,
        "files_unknown": plan.files_unknown,
        "bundles": [mount_body(change) for change in plan.bundles],
        "image": pair_body(plan.image),
        "runtime_version": pair_body(plan.runtime_version),
        "settings": plan.settings,
        "steps_over": [_side(deploy) for deploy in plan.steps_over],
        "more_steps": plan.more_steps,
        "happens": plan.happens,
        "stays": plan.stays,
        "warnings": plan.warnings,
        "barriers": [vars(barrier) for barrier in plan.barriers],
        "acknowledge": plan.to_acknowledge,
        "agents": [{"name": agent.name, "version": agent.version, "ready": ready} for agent, ready in plan.agents],
        "runs_in_flight": plan.runs,
        "assets": None,
    }


def _side(deploy: Deploy) -> dict[str, Any]:
    return {
        "number": deploy.number,
        "kind": deploy.kind,
        "status": deploy.status,
        "description": deploy.description,
        "actor": deploy.actor_name,
        "created_at": deploy.created_at,
        "release": deploy.release.digest if deploy.release else None,
    }


def pair_body(values: tuple[str, str] | None) -> dict[str, str] | None:
    """Answer what differs as old and new."""
    return {"old": values[0], "new": values[1]} if values else None


def mount_body(change: MountChange) -> dict[str, Any]:
    """Answer what happens to a mount."""
    return {
        "mount": change.mount,
        "old": change.before.digest if change.before else None,
        "new": change.after.digest if change.after else None,
        "same": change.same,
        "added": change.added,
        "removed": change.removed,
        "changed": change.changed,
        "files": [{"change": each.word, "path": each.path} for each in change.sample],
        "more_files": change.more,
    }
