"""The Airflow driver against servers that answer oddly: two ways to fail, bounded, and nothing secret said."""

import contextlib
import gzip
import json
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.platforms.airflow import AirflowPlatform
from deployments.platforms.base import Expected, PlatformRefused, PlatformUnreachable
from deployments.platforms.exchange import Limits
from tests.platforms.airflow_api import BUNDLE, NOON, PASSWORD, USER, Airflow, broken, dag
from tests.platforms.http_server import HttpServer, Reply, Request, reply

NOTHING = Expected("1-0123456789ab", {}, NOON)
ASKED: dict[str, Callable[[AirflowPlatform], object]] = {
    "version": lambda airflow: airflow.version(),
    "connection": lambda airflow: airflow.connection(),
    "statuses": lambda airflow: airflow.statuses(),
    "report": lambda airflow: airflow.report("default"),
    "reload": lambda airflow: airflow.reload("default"),
    "converge": lambda airflow: airflow.converge(NOTHING, {}),
    "runs": lambda airflow: airflow.runs_in_flight(),
}
AS_SOMEBODY = [method for method in ASKED if method not in ("version", "connection")]
SAID_BACK = f"no such thing: {PASSWORD} Bearer token-1"
ODD: dict[str, Reply] = {
    "html": reply("<html>Sign in</html>", content_type="text/html"),
    "an internal error": reply("Internal Server Error", 500),
    "an internal error in JSON": reply(json.dumps({"detail": SAID_BACK}), 500),
    "nothing": reply(""),
    "json that is cut off": reply('{"dags": [{"dag_id": "or'),
    "a list": reply("[]"),
    "deep json": reply("[" * 100_000),
    "not utf-8": reply(b'{"version": "\xff"}'),
    "other json": reply('{"detail": "no"}'),
    "a question refused": reply(json.dumps({"detail": [{"msg": SAID_BACK}]}), 422),
    "too many requests": reply("Slow down", 429),
    "a redirect": reply("", 302, location=f"/login?token={PASSWORD}"),
    "a lie about gzip": reply("{}", content_encoding="gzip"),
    "something else's 404": reply("<html>Not Found</html>", 404),
}


@pytest.fixture
def airflow() -> Airflow:
    airflow = Airflow()
    airflow.dags = [dag("orders")]
    airflow.sources = {"orders": "text"}
    return airflow


@pytest.fixture
def server(airflow: Airflow) -> Iterator[HttpServer]:
    with HttpServer(airflow).running() as running:
        yield running


@pytest.fixture
def platform(server: HttpServer) -> Iterator[AirflowPlatform]:
    limits = Limits(answer_bytes=300_000, report_bytes=1_000_000)
    with AirflowPlatform(server.url, user=USER, password=PASSWORD, timeout=0.3, limits=limits) as platform:
        yield platform


def instead(airflow: Airflow, answer: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """Answer so whatever is asked with a token."""
    return lambda request: airflow(request) if request.path == "/auth/token" else answer(request)


def endless(chunk: bytes) -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        while True:
            yield chunk

    return chunks


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
@pytest.mark.parametrize("method", ASKED)
def test_an_odd_answer_is_said_without_secrets(
    server: HttpServer, airflow: Airflow, platform: AirflowPlatform, answer: Reply, method: str
) -> None:
    server.answer = instead(airflow, lambda request: answer)
    with pytest.raises(PlatformUnreachable) as unreachable:
        ASKED[method](platform)

    assert unreachable.value.code == "platform_odd_answer"
    assert server.url in str(unreachable.value)
    assert str(unreachable.value).endswith(".")
    said = "".join(traceback.format_exception(unreachable.value, chain=True))
    assert PASSWORD not in said
    assert "token-1" not in said


@pytest.mark.parametrize("method", ASKED)
def test_a_huge_answer_is_refused(server: HttpServer, airflow: Airflow, platform: AirflowPlatform, method: str) -> None:
    server.answer = instead(airflow, lambda request: Reply(endless(b" " * 65536)))
    with pytest.raises(PlatformRefused) as refused:
        ASKED[method](platform)

    assert refused.value.code == "platform_answer_too_large"


def test_a_bomb_is_refused(server: HttpServer) -> None:
    bomb = gzip.compress(b" " * 50_000_000)  # beforehand: no patience is to end while it is made
    server.answer = lambda request: reply(bomb, content_encoding="gzip")
    limits = Limits(answer_bytes=300_000, report_bytes=1_000_000)
    with (
        AirflowPlatform(server.url, user="", password="", timeout=30, limits=limits) as platform,
        pytest.raises(PlatformRefused) as refused,
    ):
        platform.version()

    assert refused.value.code == "platform_answer_too_large"


@pytest.mark.parametrize("method", ASKED)
def test_silence_ends_our_patience(
    server: HttpServer, airflow: Airflow, platform: AirflowPlatform, method: str
) -> None:
    def silence(request: Request) -> Reply:
        server.stopping.wait(5)
        return reply("{}")

    server.answer = silence
    started_at = time.monotonic()
    with pytest.raises(PlatformUnreachable, match="did not answer within") as unreachable:
        ASKED[method](platform)

    assert unreachable.value.code == "platform_unreachable"
    assert time.monotonic() - started_at < 2


@pytest.mark.parametrize("method", ASKED)
def test_an_airflow_2_is_refused(server: HttpServer, platform: AirflowPlatform, method: str) -> None:
    def two(request: Request) -> Reply:
        if request.path == "/api/v1/version":
            return reply('{"version": "2.10.4", "git_version": null}', content_type="application/json")
        return reply('{"detail": "Not Found", "status": 404}', 404, content_type="application/problem+json")

    server.answer = two
    with pytest.raises(PlatformRefused, match=r"is version 2\.10\.4: this portal knows Airflow 3\.0") as refused:
        ASKED[method](platform)

    assert refused.value.code == "version_too_old"


@pytest.mark.parametrize("version", ["2.11.0", "1.10"])
def test_an_older_version_behind_the_newer_address_is_refused(
    airflow: Airflow, platform: AirflowPlatform, version: str
) -> None:
    airflow.version = version
    with pytest.raises(PlatformRefused) as refused:
        platform.version()

    assert refused.value.code == "version_too_old"


def test_a_wrong_password_is_refused_and_not_said(server: HttpServer) -> None:
    with (
        AirflowPlatform(server.url, user=USER, password="wrong-s3cr3t") as platform,
        pytest.raises(PlatformRefused, match="does not know the user portal") as refused,
    ):
        platform.statuses()

    assert refused.value.code == "platform_auth"
    assert "wrong-s3cr3t" not in "".join(traceback.format_exception(refused.value, chain=True))


def test_a_login_manager_that_gives_out_no_tokens_is_said(
    server: HttpServer, airflow: Airflow, platform: AirflowPlatform
) -> None:
    server.answer = lambda request: reply("{}", 404) if request.path == "/auth/token" else airflow(request)
    with pytest.raises(PlatformRefused, match="Give a token of it as a header") as refused:
        platform.statuses()

    assert refused.value.code == "platform_auth"


@pytest.mark.parametrize("token", ["", 3, None, "a\r\nb", "é"])
def test_a_token_that_is_none_is_odd(
    server: HttpServer, airflow: Airflow, platform: AirflowPlatform, token: Any
) -> None:
    said = json.dumps({"access_token": token})
    server.answer = lambda request: reply(said, 201) if request.path == "/auth/token" else airflow(request)
    with pytest.raises((PlatformRefused, PlatformUnreachable)) as failed:
        platform.statuses()

    assert failed.value.code in ("platform_odd_answer", "platform_auth")


def test_a_token_is_fetched_once_for_all_questions(airflow: Airflow, platform: AirflowPlatform) -> None:
    platform.statuses()
    platform.report("default")

    assert airflow.tokens == 1


def test_a_token_that_is_not_taken_any_more_is_fetched_anew_once(airflow: Airflow, platform: AirflowPlatform) -> None:
    platform.statuses()
    airflow.tokens += 1

    assert platform.statuses()
    assert airflow.tokens == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_never_taken_is_a_refusal(
    server: HttpServer, airflow: Airflow, platform: AirflowPlatform, status: int
) -> None:
    no = reply(json.dumps({"detail": "Invalid JWT token"}), status)
    server.answer = instead(airflow, lambda request: no)
    with pytest.raises(PlatformRefused, match="check the user portal") as refused:
        platform.statuses()

    assert refused.value.code == "platform_auth"
    assert airflow.tokens == 2


def test_without_a_user_the_headers_say_who_we_are(server: HttpServer, airflow: Airflow) -> None:
    airflow.tokens = 7
    with AirflowPlatform(server.url, headers={"Authorization": airflow.bearer}) as platform:
        platform.statuses()

    assert "/auth/token" not in [request.path for request in server.requests]


def test_a_token_takes_the_place_of_a_header_of_its_name(server: HttpServer) -> None:
    headers = {"AUTHORIZATION": "Basic of-a-proxy", "X-Team": "data"}
    with AirflowPlatform(server.url, headers=headers, user=USER, password=PASSWORD) as platform:
        platform.statuses()

    sent = server.requests[-1].headers
    assert [value for name, value in sent.items() if name.casefold() == "authorization"] == ["Bearer token-1"]
    assert {name.casefold(): value for name, value in sent.items()}["x-team"] == "data"


def test_keeps_the_path_prefix(server: HttpServer, airflow: Airflow) -> None:
    def below(request: Request) -> Reply:
        assert request.path.startswith("/team/airflow/")
        request.path = request.path.removeprefix("/team/airflow")
        return airflow(request)

    server.answer = below
    with AirflowPlatform(f"{server.url}/team/airflow/", user=USER, password=PASSWORD) as platform:
        assert platform.statuses()


@pytest.mark.parametrize("method", AS_SOMEBODY)
def test_a_gateway_without_an_airflow_is_unreachable(
    server: HttpServer, platform: AirflowPlatform, method: str
) -> None:
    server.answer = lambda request: reply("", 502)
    with pytest.raises(PlatformUnreachable, match="HTTP 502") as unreachable:
        ASKED[method](platform)

    assert unreachable.value.code == "platform_unreachable"
    assert len(server.requests) == 3


@pytest.mark.parametrize("url", ["", "airflow:8080", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(PlatformRefused, match="The address of this Airflow is not one") as refused:
        AirflowPlatform(url)

    assert refused.value.code == "platform_bad_url"


FIELDS = [
    *("version", "dags", "import_errors", "dag_versions", "dag_runs", "assets", "total_entries", "dag_processor"),
    *("dag_id", "bundle_name", "file_token", "relative_fileloc", "last_parsed_time", "tags", "name", "id", "status"),
    *("filename", "stack_trace", "timestamp", "tasks", "content", "access_token"),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just(BUNDLE) | st.just(NOON.isoformat()),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5)
        | st.fixed_dictionaries(
            {"dags": st.lists(inner, max_size=2), "import_errors": st.lists(inner, max_size=2), "total_entries": inner}
        )
    ),
    max_leaves=10,
)
rows = st.lists(
    st.builds(lambda odd: {**dag("orders"), **odd}, st.dictionaries(st.sampled_from(FIELDS), values, max_size=3)),
    max_size=2,
)
errors = st.lists(
    st.builds(lambda odd: {**broken("a.py"), **odd}, st.dictionaries(st.sampled_from(FIELDS), values, max_size=2)),
    max_size=1,
)


@settings(deadline=None)
@given(values, rows, errors, st.sampled_from(list(ASKED)))
def test_has_two_ways_to_fail(value: Any, dags: list[Any], broken: list[Any], method: str) -> None:
    said: Any = value
    if isinstance(value, dict):
        lists = {"dags": dags, "import_errors": broken, "dag_versions": [], "dag_runs": dags, "assets": dags}
        said = {**lists, "version": "3.3", "total_entries": 1, **value}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=said))
    with httpx.Client(transport=transport) as client:
        platform = AirflowPlatform("http://airflow", client=client)
        with contextlib.suppress(PlatformRefused, PlatformUnreachable):
            ASKED[method](platform)
