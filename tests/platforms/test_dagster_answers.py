"""The Dagster driver against servers that answer oddly: two ways to fail, bounded, and nothing secret said."""

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

from deployments.platforms.base import PlatformRefused, PlatformUnreachable
from deployments.platforms.dagster import DagsterPlatform
from tests.platforms.conftest import ASKED, GOOD, HEADERS, QUESTIONS, RELOADS, SECRET
from tests.platforms.http_server import HttpServer, Reply, Request, graphql, reply

GOOD_BYTES = b'{"data": {"version": "1"}}'


def in_turn(*answers: Reply) -> Callable[[Request], Reply]:
    """Answer each once, and the last one for ever."""
    left = list(answers)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


def endless(chunk: bytes, pause: float = 0) -> Callable[[], Iterator[bytes]]:
    """Answer a body that never ends."""

    def chunks() -> Iterator[bytes]:
        while True:
            yield chunk
            time.sleep(pause)

    return chunks


def echo(request: Request) -> Reply:
    """Answer as a talkative gateway does, with what it was asked."""
    said = f"no such thing: {request.headers}"
    return reply(json.dumps({"data": None, "errors": [{"message": said}]}), 400)


ODD: dict[str, Callable[[Request], Reply]] = {
    "html": lambda request: reply("<html>Sign in</html>", content_type="text/html"),
    "html of an error": lambda request: reply("<html>Internal error</html>", 500),
    "nothing": lambda request: reply(""),
    "not found": lambda request: reply("Not Found", 404),
    "too many requests": lambda request: reply("Slow down", 429),
    "a list": lambda request: reply("[]"),
    "other json": lambda request: reply('{"detail": "no"}'),
    "no data": lambda request: reply('{"data": null}'),
    "not utf-8": lambda request: reply(b'{"data": "\xff"}'),
    "deep json": lambda request: reply("[" * 100_000),
    "a long number": lambda request: reply("9" * 100_000),
    "another graphql": lambda request: graphql({"version": {}, "workspaceLocationEntryOrError": 3}),
    "an empty graphql": lambda request: graphql({}),
    "an echo": echo,
    "a redirect": lambda request: reply("", 302, location=f"/login?token={SECRET}"),
    "a lie about gzip": lambda request: reply(GOOD_BYTES, content_encoding="gzip"),
    "another compression": lambda request: reply(GOOD_BYTES, content_encoding="zstd"),
    "two compressions": lambda request: reply(GOOD_BYTES, content_encoding="gzip, gzip"),
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
@pytest.mark.parametrize("method", ASKED)
def test_an_odd_answer_is_said_without_secrets(
    server: HttpServer, dagster: DagsterPlatform, answer: Callable[[Request], Reply], method: str
) -> None:
    server.answer = answer
    with pytest.raises(PlatformUnreachable) as unreachable:
        ASKED[method](dagster)

    assert unreachable.value.code == "platform_odd_answer"
    assert server.url in str(unreachable.value)
    assert str(unreachable.value).endswith(".")
    assert SECRET not in "".join(traceback.format_exception(unreachable.value, chain=True))
    assert len(server.requests) == 1


def test_follows_no_redirect(server: HttpServer, dagster: DagsterPlatform) -> None:
    server.answer = in_turn(reply("", 307, location="/elsewhere"), GOOD)
    with pytest.raises(PlatformUnreachable, match="redirect"):
        dagster.version()

    assert [request.path for request in server.requests] == ["/graphql"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_our_headers_is_a_refusal(server: HttpServer, dagster: DagsterPlatform, status: int) -> None:
    server.answer = lambda request: reply("no", status)
    with pytest.raises(PlatformRefused, match="check the headers") as refused:
        dagster.version()

    assert refused.value.code == "platform_auth"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_that_hiccups_is_asked_again_twice(server: HttpServer, dagster: DagsterPlatform, status: int) -> None:
    server.answer = in_turn(reply("", status), reply("", status), GOOD)

    assert dagster.version() == "1.13.27"


@pytest.mark.parametrize("method", QUESTIONS)
def test_a_gateway_without_a_dagster_is_unreachable(server: HttpServer, dagster: DagsterPlatform, method: str) -> None:
    server.answer = lambda request: reply("", 502)
    with pytest.raises(PlatformUnreachable, match="HTTP 502") as unreachable:
        ASKED[method](dagster)

    assert unreachable.value.code == "platform_unreachable"
    assert len(server.requests) == 3


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("reload", RELOADS)
def test_silence_ends_our_patience(server: HttpServer, dagster: DagsterPlatform, question: str, reload: str) -> None:
    def silence(request: Request) -> Reply:
        server.stopping.wait(5)
        return GOOD

    server.answer = silence
    started_at = time.monotonic()
    with pytest.raises(PlatformUnreachable, match="did not answer within") as unreachable:
        ASKED[question](dagster)
    reloaded = ASKED[reload](dagster)

    assert unreachable.value.code == "platform_unreachable"
    assert reloaded is False
    assert time.monotonic() - started_at < 2
    assert len(server.requests) == 2


def test_a_body_that_drips_ends_our_patience(server: HttpServer, dagster: DagsterPlatform) -> None:
    server.answer = lambda request: Reply(endless(b" ", pause=0.05))
    started_at = time.monotonic()
    with pytest.raises(PlatformUnreachable, match="too slowly"):
        dagster.version()

    assert time.monotonic() - started_at < 3


def test_a_huge_body_is_refused(server: HttpServer, dagster: DagsterPlatform) -> None:
    server.answer = lambda request: Reply(endless(b" " * 65536))
    with pytest.raises(PlatformRefused, match="more than") as refused:
        dagster.version()

    assert refused.value.code == "platform_answer_too_large"


def test_a_bomb_is_refused(server: HttpServer, dagster: DagsterPlatform) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    server.answer = lambda request: reply(bomb, content_encoding="gzip")
    with pytest.raises(PlatformRefused) as refused:
        dagster.version()

    assert refused.value.code == "platform_answer_too_large"


def test_reads_gzip(server: HttpServer, dagster: DagsterPlatform) -> None:
    server.answer = lambda request: reply(gzip.compress(GOOD_BYTES), content_encoding="gzip")

    assert dagster.version() == "1"


@pytest.mark.parametrize("method", ["statuses", "connection"])
def test_a_workspace_that_dagster_cannot_read_is_said(
    server: HttpServer, dagster: DagsterPlatform, method: str
) -> None:
    error = {"__typename": "PythonError", "message": "boom: no space left.\nand more"}
    server.answer = lambda request: graphql(
        {"version": "1.13.27", "locationStatusesOrError": error, "workspaceOrError": error}, status=500
    )
    with pytest.raises(
        PlatformUnreachable, match=r"could not read its workspace: boom: no space left\.$"
    ) as unreachable:
        ASKED[method](dagster)

    assert unreachable.value.code == "platform_odd_answer"


def test_keeps_the_path_prefix_and_sends_the_headers(server: HttpServer) -> None:
    with DagsterPlatform(f"{server.url}/team/dagster/", headers=HEADERS) as dagster:
        dagster.version()

    assert server.requests[0].path == "/team/dagster/graphql"
    assert server.requests[0].headers["Authorization"] == HEADERS["Authorization"]


def test_says_no_password_of_the_address(server: HttpServer) -> None:
    server.answer = lambda request: reply("", 404)
    url = server.url.replace("://", f"://ann:{SECRET}@")
    with (
        DagsterPlatform(f"{url}/?key={SECRET}") as dagster,
        pytest.raises(PlatformUnreachable) as unreachable,
    ):
        dagster.version()

    assert SECRET not in str(unreachable.value)
    assert server.url in str(unreachable.value)


@pytest.mark.parametrize("value", [f"{SECRET}\r\nX-Other: 1", f"{SECRET}é"])
def test_a_header_that_cannot_be_sent_is_refused_and_not_shown(server: HttpServer, value: str) -> None:
    with (
        DagsterPlatform(server.url, headers={"X-Token": value}) as dagster,
        pytest.raises(PlatformRefused) as refused,
    ):
        dagster.version()

    assert refused.value.code == "platform_bad_headers"
    assert SECRET not in "".join(traceback.format_exception(refused.value, chain=True))
    assert server.requests == []


@pytest.mark.parametrize("url", ["", "dagster:3000", "ftp://host", "http://", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(PlatformRefused) as refused:
        DagsterPlatform(url)

    assert refused.value.code == "platform_bad_url"


@pytest.mark.parametrize("url", ["http://[", "http://h:99999999", "http://dagster.invalid", "http://a b"])
def test_an_address_that_leads_nowhere_fails_in_one_of_the_two_ways(url: str) -> None:
    with pytest.raises((PlatformRefused, PlatformUnreachable)), DagsterPlatform(url) as dagster:
        dagster.version()


def test_leaves_a_client_open_that_it_was_given(server: HttpServer) -> None:
    with httpx.Client() as client:
        with DagsterPlatform(server.url, client=client) as dagster:
            dagster.version()

        assert not client.is_closed


FIELDS = [
    *("__typename", "versionKey", "loadStatus", "locationOrLoadError", "message", "errorChain"),
    *("entries", "locationEntries", "name", "permissions", "permission", "value"),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values, st.sampled_from(list(ASKED)))
def test_has_two_ways_to_fail(value: Any, method: str) -> None:
    data = {
        "workspaceLocationEntryOrError": value,
        "reloadRepositoryLocation": value,
        "repositoryOrError": value,
        "locationStatusesOrError": value,
        "workspaceOrError": value,
        "reloadWorkspace": value,
        "version": value,
    }
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"data": data}))
    with httpx.Client(transport=transport) as client:
        platform = DagsterPlatform("http://dagster", client=client)
        with contextlib.suppress(PlatformRefused, PlatformUnreachable):
            ASKED[method](platform)
