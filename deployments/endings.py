"""What follows whenever a deploy ends, however it ends. In the transaction that ends it, the code location locked."""

from datetime import datetime

from deployments import runs
from deployments.alerting import happenings
from deployments.models import Deploy


def ended(deploy: Deploy, *, now: datetime) -> None:
    """Keep the runs of similar deploys, and tell those who want to know."""
    runs.settle_deploy(deploy.pk)
    happenings.of_deploy_ended(Deploy.objects.with_places().get(pk=deploy.pk), now=now)
