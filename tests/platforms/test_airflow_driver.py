"""A deployment whose platform is an Airflow is asked by its own user, for its own DAG bundle."""

from collections.abc import Iterator

import pytest

from deployments import drivers
from deployments.models import Deployment
from deployments.platforms.airflow import AirflowPlatform
from deployments.platforms.base import PlatformRefused
from deployments.states import PlatformKind
from tests.factories import make_location
from tests.platforms.airflow_api import PASSWORD, USER, Airflow, dag
from tests.platforms.http_server import HttpServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def airflow() -> Airflow:
    airflow = Airflow()
    airflow.dags = [dag("orders", bundle_name="shop"), dag("elsewhere")]
    airflow.sources = {"orders": "text"}
    return airflow


@pytest.fixture
def server(airflow: Airflow) -> Iterator[HttpServer]:
    with HttpServer(airflow).running() as running:
        yield running


@pytest.fixture
def deployment(server: HttpServer) -> Deployment:
    deployment = make_location().deployment
    deployment.platform = PlatformKind.AIRFLOW
    deployment.platform_url = server.url
    deployment.platform_user, deployment.platform_password = USER, PASSWORD
    deployment.platform_headers = '{"X-Team": "data"}'
    deployment.dag_bundle = "shop"
    deployment.save()
    return Deployment.objects.get(pk=deployment.pk)


def test_by_its_user_its_headers_and_its_bundle(server: HttpServer, deployment: Deployment) -> None:
    platform = drivers.platform_of(deployment)

    assert isinstance(platform, AirflowPlatform)
    report = platform.report("default")
    assert report is not None
    assert [form["dag_id"] for form in report.raw["dags"]] == ["orders"]
    assert {name.casefold(): value for name, value in server.requests[-1].headers.items()}["x-team"] == "data"


def test_not_at_all_where_the_operator_forbids_it(server: HttpServer, deployment: Deployment, settings) -> None:
    settings.LASTGOOD_PLATFORM_HOSTS = ["airflow.example.com"]
    with pytest.raises(PlatformRefused) as refused:
        drivers.platform_of(deployment)

    assert refused.value.code == "host_not_allowed"
    assert server.requests == []
