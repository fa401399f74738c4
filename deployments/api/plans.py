"""Rollback plans, and the agents that have to go back before a rollback."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import operations
from deployments.access import Right, require
from deployments.api.finding import PlaceView
from deployments.api.idempotency import answer_once
from deployments.api.plan_representation import PlanOut, plan_body
from deployments.api.representations import PlanIn
from deployments.models import RemoteAgent
from deployments.planning import Plan


class RollbackPlans(PlaceView):
    """What a rollback would do."""

    @extend_schema(operation_id="rollback_plans_create", request=PlanIn, responses=PlanOut)
    def post(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Explain a rollback: writes nothing, and asks nobody."""
        found = self.location()
        require(self.person, Right.ROLL_BACK, found.deployment)
        asked = PlanIn(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        plan = operations.plan_of(location=found, to=said["to"], scope=said["scope"], actor=self.person)
        return Response(self.body(plan))

    def body(self, plan: Plan) -> dict[str, Any]:
        """Answer the plan as JSON. Whoever knows what releases define, adds that."""
        return plan_body(plan)


class AgentOut(serializers.ModelSerializer[RemoteAgent]):
    """A remote execution agent."""

    class Meta:
        model = RemoteAgent
        fields = ["name", "version", "reported_at"]


class AgentIn(serializers.Serializer[Any]):
    """What an agent says of itself."""

    version = serializers.CharField(max_length=100)


class Agents(PlaceView):
    """The remote execution agents of a deployment."""

    @extend_schema(operation_id="agents_list", responses=AgentOut(many=True))
    def get(self, request: Request, org: str, deployment: str) -> Response:
        """List the agents and the versions that they reported last."""
        agents = RemoteAgent.objects.filter(deployment=self.deployment()).order_by("name")[:500]
        return Response({"results": AgentOut(agents, many=True).data})


class OneAgent(PlaceView):
    """One agent."""

    @extend_schema(operation_id="agents_report", request=AgentIn, responses=AgentOut)
    def put(self, request: Request, org: str, deployment: str, name: str) -> Response:
        """Take an agent's report of itself."""
        found = self.deployment()

        def do() -> Response:
            asked = AgentIn(data=request.data)
            asked.is_valid(raise_exception=True)
            agent = operations.report_agent(
                deployment=found, name=name, actor=self.person, now=timezone.now(), **asked.validated_data
            )
            return Response(AgentOut(agent).data)

        return answer_once(request, authorize=lambda: require(self.person, Right.DEPLOY, found), do=do)

    @extend_schema(operation_id="agents_forget", responses={204: None})
    def delete(self, request: Request, org: str, deployment: str, name: str) -> Response:
        """Forget an agent that is no more."""
        found = self.deployment()

        def do() -> Response:
            operations.forget_agent(deployment=found, name=name, actor=self.person)
            return Response(status=204)

        return answer_once(request, authorize=lambda: require(self.person, Right.CONFIGURE, found), do=do)
