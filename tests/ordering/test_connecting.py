"""Trying a connection, and what headers it may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments import drivers, operations
from deployments.models import Deployment
from deployments.operations.connecting import LONGEST_MESSAGE, checked_headers, one_line
from deployments.platforms.base import PlatformUnreachable
from portal.common.problems import Invalid
from tests.factories import make_deployment, superuser
from tests.operations.asking import refusal
from tests.operations.scripted_platform import ScriptedPlatform
from tests.platforms.http_server import HttpServer, reply

SECRET = "Bearer 0123456789abcdef"


def tried(deployment: Deployment):
    """Try the connection as the page and the API do."""
    return operations.test_connection(deployment=deployment, actor=superuser())


@pytest.mark.django_db
def test_says_what_the_platform_is_and_may(monkeypatch):
    platform = ScriptedPlatform(names=["shop", "orders"])
    monkeypatch.setattr(drivers, "platform_of", lambda deployment: platform)

    met = tried(make_deployment(platform="dagster", platform_url="http://127.0.0.1:3000"))

    assert (met.version, met.locations, met.may_reload) == ("1.12.0", ("shop", "orders"), True)
    assert platform.asked == ["connection"]


@pytest.mark.django_db
def test_of_nothing_is_refused():
    assert refusal(lambda: tried(make_deployment())).code == "no_platform"


@pytest.mark.django_db
def test_of_a_host_that_the_operator_did_not_allow_is_refused():
    deployment = make_deployment(platform="dagster", platform_url="http://metadata.example.com/")

    assert refusal(lambda: tried(deployment)).code == "host_not_allowed"


@pytest.mark.django_db
def test_that_nobody_answers_says_so(monkeypatch):
    def silent() -> None:
        raise PlatformUnreachable("platform_unreachable", "Dagster at http://127.0.0.1:3000 cannot be reached.")

    platform = ScriptedPlatform()
    monkeypatch.setattr(platform, "connection", silent)
    monkeypatch.setattr(drivers, "platform_of", lambda deployment: platform)

    refused = refusal(lambda: tried(make_deployment(platform="dagster", platform_url="http://127.0.0.1:3000")))

    assert (refused.code, "cannot be reached" in refused.detail) == ("platform_unreachable", True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "answer", [reply("<html>Sign in</html>", content_type="text/html"), reply("", 500), reply("{}"), reply("", 401)]
)
def test_to_what_is_no_dagster_is_refused_without_the_headers_being_told(answer):
    with HttpServer(lambda request: answer).running() as server:
        deployment = make_deployment(
            platform="dagster", platform_url=server.url, platform_headers=f'{{"Authorization": "{SECRET}"}}'
        )

        refused = refusal(lambda: tried(deployment))

        assert server.requests[0].headers["Authorization"] == SECRET
        assert SECRET not in refused.detail
        assert server.url.removeprefix("http://") in refused.detail


@pytest.mark.parametrize(
    "headers",
    [
        {"": "value"},
        {"Bad Name": "value"},
        {"Na:me": "value"},
        {"X\r\nY": "value"},
        {"Host": "elsewhere.example.com"},
        {"content-LENGTH": "1"},
        {"X-Token": ""},
        {"X-Token": " leading"},
        {"X-Token": "a\r\nb"},
        {"X-Token": "ü-secret"},
        {"X-Token": "s" * 5000},
        {"X-Token": 7},
        {"X-Token": None},
        {f"X-{number}": "value" for number in range(21)},
    ],
    ids=range(14),
)
def test_headers_that_cannot_be_sent_are_refused_and_not_repeated(headers):
    with pytest.raises(Invalid) as refused:
        checked_headers(headers)

    assert refused.value.code == "bad_headers"
    assert "secret" not in refused.value.detail
    assert "sss" not in refused.value.detail


def test_headers_that_can_be_sent_are_taken():
    headers = {"Authorization": SECRET, "Dagster-Cloud-Api-Token": "user:token"}

    assert checked_headers(headers) == headers


@given(st.text(max_size=3000))
def test_somebody_elses_text_is_one_line_that_shows(text: str):
    line = one_line(text)

    assert line.isprintable()
    assert len(line) <= LONGEST_MESSAGE
    assert line == line.strip()
