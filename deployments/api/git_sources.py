"""Where a code location's code is fetched from. What opens the repository is taken, and never answered."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import operations, sourcing
from deployments.access import Right, allows, require
from deployments.api.finding import PlaceView
from deployments.api.idempotency import answer_once
from deployments.models import CodeLocation, GitSource
from deployments.operations.git_sources import LONGEST_KEY, LONGEST_TOKEN
from portal.common.problems import NOT_FOUND_DETAIL, Absent


class GitSourceOut(serializers.Serializer[GitSource]):
    """A Git source. `hook_url` is answered to those who may configure; `hook_secret` once, when it was made."""

    url = serializers.CharField()
    branch = serializers.CharField()
    folder = serializers.CharField()
    mount = serializers.CharField()
    has_token = serializers.SerializerMethodField()
    has_deploy_key = serializers.SerializerMethodField()
    known_hosts = serializers.CharField()
    poll_seconds = serializers.IntegerField()
    paused = serializers.BooleanField()
    hook_url = serializers.SerializerMethodField()
    hook_secret = serializers.SerializerMethodField()
    set_by = serializers.CharField(source="set_by_name")
    created_at = serializers.DateTimeField()
    asked_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    wanted_commit = serializers.CharField()
    fetched_commit = serializers.CharField()
    last_deploy = serializers.IntegerField(source="last_deploy.number", default=None, allow_null=True)
    failures = serializers.IntegerField()
    error = serializers.JSONField(allow_null=True)

    def get_has_token(self, source: GitSource) -> bool:
        """Say whether a token is set."""
        return bool(source.token)

    def get_has_deploy_key(self, source: GitSource) -> bool:
        """Say whether a deploy key is set."""
        return bool(source.deploy_key)

    def get_hook_url(self, source: GitSource) -> str | None:
        """Answer the address that pushes are posted to."""
        return sourcing.address_of(source) if self.context["may_configure"] else None

    def get_hook_secret(self, source: GitSource) -> str | None:
        """Answer the webhook's secret, if it was made this moment."""
        return self.context.get("hook_secret")


class GitSourceIn(serializers.Serializer[Any]):
    """A Git source. Without `token` and `deploy_key`, those that are set stay; empty takes them away."""

    url = serializers.CharField(max_length=500, help_text="https://…, ssh://… or git@host:path.")
    branch = serializers.CharField(max_length=250, default="main")
    folder = serializers.CharField(max_length=500, allow_blank=True, default="")
    mount = serializers.CharField(max_length=200, default="dags")
    token = serializers.CharField(
        max_length=LONGEST_TOKEN,
        allow_blank=True,
        required=False,
        write_only=True,
        help_text="For https: a token, or name:token where the server asks for a certain name.",
    )
    deploy_key = serializers.CharField(
        max_length=LONGEST_KEY, allow_blank=True, required=False, write_only=True, help_text="For ssh: a private key."
    )
    known_hosts = serializers.CharField(
        max_length=LONGEST_KEY, allow_blank=True, default="", help_text="For ssh: the server's keys."
    )
    poll_seconds = serializers.IntegerField(
        min_value=0, max_value=86_400, default=60, help_text="0: only its webhook tells of new commits."
    )
    paused = serializers.BooleanField(default=False)
    rotate_hook_secret = serializers.BooleanField(default=False, help_text="Make a new secret for the webhook.")


class SourceView(PlaceView):
    """A view of a code location's Git source."""

    def source(self) -> GitSource:
        """Answer the source of the address. Raises Absent."""
        rows = GitSource.objects.select_related("code_location__deployment__organization", "last_deploy")
        found = rows.filter(code_location=self.location()).first()
        if found is None:
            raise Absent(NOT_FOUND_DETAIL)
        return found

    def shown(self, source: GitSource, **said: Any) -> dict[str, Any]:
        """Answer the source as this person may see it."""
        may = allows(self.person, Right.CONFIGURE, source.code_location.deployment)
        return dict(GitSourceOut(source, context={"may_configure": may, **said}).data)


class GitSources(SourceView):
    """The Git source of a code location."""

    @extend_schema(operation_id="git_source_read", responses=GitSourceOut)
    def get(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Read where the code is fetched from, and how that went."""
        return Response(self.shown(self.source()))

    @extend_schema(operation_id="git_source_set", request=GitSourceIn, responses={200: GitSourceOut, 201: GitSourceOut})
    def put(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Fetch the code from there; the branch's head is deployed at once. An Idempotency-Key means nothing here.

        The same again has the same effect; and what is answered is not kept, because a secret may be in it.
        """
        found = self.location()
        self.authorize(found)
        asked = GitSourceIn(data=request.data)
        asked.is_valid(raise_exception=True)
        settings = operations.GitSettings(**asked.validated_data)
        made = operations.set_source(location=found, settings=settings, actor=self.person, now=timezone.now())
        return Response(self.shown(made.source, hook_secret=made.hook_secret), status=201 if made.created else 200)

    @extend_schema(operation_id="git_source_remove", responses={204: None})
    def delete(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Fetch no more. What was deployed stays."""
        self.authorize(self.location())
        operations.remove_source(source=self.source(), actor=self.person)
        return Response(status=204)

    def authorize(self, location: CodeLocation) -> None:
        """Let only those pass who may set it up. Raises NotAllowed."""
        require(self.person, Right.CONFIGURE, location.deployment)


class FetchGitSource(SourceView):
    """Looking at once."""

    @extend_schema(operation_id="git_source_fetch", request=None, responses={202: GitSourceOut})
    def post(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Have the branch looked at now, and its head deployed if it is new, or was refused before."""
        found = self.source()

        def do() -> Response:
            operations.fetch_now(source=found, actor=self.person, now=timezone.now())
            return Response(self.shown(found), status=202)

        deployment_of = found.code_location.deployment
        return answer_once(request, authorize=lambda: require(self.person, Right.DEPLOY, deployment_of), do=do)
