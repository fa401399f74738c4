"""Odd input to the API is a 4xx and never a 500 …"""

import copy
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import superuser
from tests.matrix.rows import API, DEPLOY, LOCATION, ROUTES, ROWS, Row
from tests.matrix.scene import OWN, Scene, bearer, content_of, send, snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.services]

TRAVERSALS = [
    "..", ".", "../..", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f", "..\\..", "/etc/passwd", "\0", "shop\0", "a\r\nb",
    "shop/../shop", "~root", "-rf", "$(id)", "%", "%00", "\x7f", "\u202e", "\ufeff", "Ω" * 300, "a" * 5000, " ", "shop ",
    "SHOP", "<script>", "{org}", "';--", "999999999999999999999999", "-1", "0x2", "²", "\ud800",
]  # fmt: skip
PARAMETERS = ["org", "deployment", "location", "number", "mount", "sha256", "hook"]
SHARED = {"org", "deployment", "location"}
WITH_BODY = [row for row in ROUTES if isinstance(row.body, dict)]
WRONG = [None, True, 0, -1, 2**63, 10**400, 1.5, "", "\0", "\ud800", " ", "a" * 100_000, [], [[]], {}, {"": {}}, [None]]
OTHER_FIELDS = ["git", "metadata", "source_position", "expected_live", "until", "platform_url", "scope"]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["\ud800", "\0", 2**64])
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def check(answer: Any, what: Any) -> None:
    """Make sure that it is an answer, and a refusal a problem."""
    assert answer.status_code < 500, (what, answer.content[:300])
    if answer.status_code >= 400 and answer["Content-Type"] != "text/html; charset=utf-8":
        assert answer["Content-Type"] == "application/problem+json", what


def encoded(probe: str) -> Iterator[str]:
    """Answer the probe as it is sent: escaped once; what climbs, twice too."""
    raw = probe.encode(errors="surrogatepass")
    yield quote(raw, safe="")
    if ".." in probe or "\0" in probe:
        yield quote(quote(raw, safe=""), safe="")


NAMED = [(row, name) for row in ROUTES for name in PARAMETERS if f"{{{name}}}" in row.path]


@pytest.mark.parametrize(("row", "parameter"), NAMED, ids=str)
def test_in_a_path(row: Row, parameter: str, scene: Scene, client: Client):
    headers = bearer(superuser())
    before = snapshot()
    # All places of an address are found in one way: a few rows try everything, the others take turns.
    turn = ROUTES.index(row)
    probes = TRAVERSALS if turn % 10 == 0 or parameter not in SHARED else TRAVERSALS[turn % 8 :: 8]

    for probe in probes:
        for spelled in encoded(probe):
            named = {parameter: spelled}
            answer = send(
                client, row.method, row.path.format(**names(row) | named) + _query(row), row.body_at(), headers
            )
            check(answer, (parameter, probe))
            assert answer.status_code in (400, 404), (parameter, probe, answer.status_code)
    assert snapshot() == before


def names(row: Row) -> dict[str, Any]:
    """Answer the names that make the row's address."""
    here = {"location": row.location, "number": row.number, "mount": "dags", "sha256": "0" * 64}
    return vars(OWN) | here | {"load": 1, "token": "1-00", "hook": "nobodys", "name": "nobodys"}


def _query(row: Row) -> str:
    return row.query.replace("ORG", OWN.org)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", f"{DEPLOY}bundles/dags/files/?path="),
        ("GET", f"{DEPLOY}events/?after="),
        ("PUT", f"{API}/blobs/{'0' * 64}?organization="),
        *[("GET", f"{LOCATION}deploys/?{name}=") for name in ("kind", "status", "actor", "commit", "image", "q")],
        *[("GET", f"{LOCATION}deploys/?{name}=") for name in ("since", "until", "limit", "cursor")],
        *[("GET", f"{API}/organizations/?{name}=") for name in ("limit", "cursor")],
    ],
    ids=str,
)
def test_in_a_query(method: str, url: str, scene: Scene, client: Client):
    headers = bearer(superuser())
    address = url.format(**vars(OWN), number=2)
    cursors = [
        "WzAsICJcdWQ4MDAiXQ",
        "WzAsICJcdTAwMDAiXQ",
        "W1tbW1tb",
        "WzAsIDFlNDAwXQ",
        "WzAsIC0xXQ",
        "bnVsbA",
        "_____",
    ]

    for probe in [*TRAVERSALS, *cursors]:
        for spelled in encoded(probe):
            answer = send(client, method, f"{address}{spelled}", headers=headers)
            check(answer, probe)
            assert b"root:" not in content_of(answer)


@pytest.mark.parametrize("row", WITH_BODY, ids=str)
def test_in_a_field_of_a_body(row: Row, scene: Scene, client: Client):
    headers = bearer(superuser())

    for name, where in _fields(row.body_at()):
        for wrong in [*WRONG, *TRAVERSALS]:
            body = copy.deepcopy(row.body_at())
            where(body, wrong)
            check(send(client, row.method, row.url(), body, headers), (name, wrong))


def _fields(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Answer each field, those of lists and inner objects too, with what puts another value there."""
    for name, value in body.items():
        yield name, lambda sent, wrong, name=name: sent.__setitem__(name, wrong)
        inner = value[0] if isinstance(value, list) else value
        for key in inner if isinstance(inner, dict) else ():
            deep = isinstance(value, list)
            yield (
                f"{name}.{key}",
                lambda sent, wrong, name=name, key=key, deep=deep: (sent[name][0] if deep else sent[name]).__setitem__(
                    key, wrong
                ),
            )


@pytest.mark.parametrize("row", WITH_BODY, ids=str)
def test_in_a_body_that_is_no_object(row: Row, scene: Scene, client: Client):
    headers = bearer(superuser())
    before = snapshot()

    for wrong in [*WRONG[1:], "NaN", [row.body_at()]]:
        answer = send(client, row.method, row.url(), wrong, headers)
        check(answer, wrong)
        # What nobody signs may be small only.
        told = (400, 413) if row.needs == "open" else (400,)
        assert answer.status_code in told or row.method == "PATCH", wrong
    for raw in (b"{", b"\xff", b"[" * 100_000, b'{"a":' * 50_000, b"NaN", b'{"a": 1e999}', b"9" * 10_000, b"\0"):
        answer = client.generic(row.method, row.url(), raw, content_type="application/json", headers=headers)
        check(answer, raw[:20])
    assert snapshot() == before


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
    + [f"application/json; charset={name}" for name in ("utf-16", "hex", "rot13", "none")],
)  # fmt: skip
def test_in_a_content_type(kind: str, scene: Scene, client: Client):
    headers = bearer(superuser())

    for row in WITH_BODY:
        answer = client.generic(row.method, row.url(), b'{"a": 1}', content_type=kind, headers=headers)
        check(answer, (str(row), kind))
        assert answer.status_code in (400, 401, 415) or "charset" in kind, str(row)


@pytest.mark.parametrize("row", [row for row in WITH_BODY if "token" not in row.path], ids=str)
@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_a_body_holds(row: Row, data: st.DataObject, scene: Scene, client: Client):
    known = [*row.body_at(), *OTHER_FIELDS]
    body = row.body_at() | data.draw(st.dictionaries(st.sampled_from(known), anything, max_size=2))

    check(send(client, row.method, row.url(), body, bearer(superuser())), body)


def test_in_an_idempotency_key(scene: Scene, client: Client):
    row = next(row for row in ROWS if row.path == f"{LOCATION}hold/")

    for probe in [*TRAVERSALS[:10], "", "a" * 201, "ключ".encode().decode("latin-1")]:
        if not set(probe) & set("\0\r\n"):
            headers = bearer(superuser()) | {"Idempotency-Key": probe}
            check(send(client, row.method, row.url(), row.body_at(), headers), probe)
