"""A snapshot that is bad …"""

import json
from typing import Any

import pytest

from assets.definitions import reading
from assets.models import AssetSet, SentSnapshot
from deployments.access import Role
from deployments.models import Deploy
from tests.api.asking import Api, refused
from tests.api.test_snapshots import MANIFEST, put, snapshot
from tests.assets.sets import asset, everything, go_live
from tests.factories import make_location, make_member
from tests.operations.asking import ONE

# Not on the services too: nothing here depends on which database answers.
pytestmark = [pytest.mark.django_db]


@pytest.fixture
def location():
    """Answer acme/production/shop."""
    return make_location()


@pytest.fixture
def ci(location) -> Api:
    """Answer the client of somebody who may deploy there."""
    return Api(make_member(Role.DEPLOYER, location.deployment))


def doc(**said: Any) -> bytes:
    """Answer a snapshot of one asset as it is sent."""
    return json.dumps(snapshot(asset("a") | said)).encode()


def meta(value: bytes) -> bytes:
    """Answer a snapshot of one asset with one metadata entry, a value as it is sent."""
    return b'{"assets": [{"key": ["a"], "metadata": {"x": {"type": "Json", "value": ' + value + b"}}}]}"


HALF = b'"\\ud800"'
# What is sent, and the code of its refusal.
BAD: dict[str, tuple[bytes, str]] = {
    "a list": (b"[]", "bad_format"),
    "a number": (b"7", "bad_format"),
    "a text": (b'"snapshot"', "bad_format"),
    "no assets": (b"{}", "bad_format"),
    "assets that are an object": (b'{"assets": {}}', "bad_format"),
    "another format": (b'{"format": "lastgood.assets/2", "assets": []}', "unknown_format"),
    "a format that is none": (b'{"format": ["x"], "assets": []}', "unknown_format"),
    "another source": (b'{"source": ["dbt"], "assets": []}', "bad_format"),
    "members twice": (b'{"assets": [], "assets": []}', "duplicate_member"),
    "tags twice": (b'{"assets": [{"key": ["a"], "tags": {"x": "1", "x": "2"}}]}', "duplicate_member"),
    "keys twice": (json.dumps(snapshot(asset("a"), asset("a", code_version="2"))).encode(), "duplicate_key"),
    "an asset that is none": (b'{"assets": [7]}', "bad_field"),
    "no key": (b'{"assets": [{}]}', "bad_key"),
    "a key that is a text": (doc(key="a/b"), "bad_key"),
    "an empty key": (doc(key=[]), "bad_key"),
    "a part that is empty": (doc(key=["a", ""]), "bad_key"),
    "a part that is a number": (doc(key=["a", 1]), "bad_key"),
    "a part with a slash": (doc(key=["a/b"]), "bad_key"),
    "a part with a backslash": (doc(key=["a\\b"]), "bad_key"),
    "a part with NUL": (doc(key=["a\0"]), "bad_key"),
    "a part of space": (doc(key=["a", " "]), "bad_key"),
    "a part that is not NFC": (doc(key=["e\u0301"]), "bad_key"),
    "a part that turns around": (doc(key=["a\u202e"]), "bad_key"),
    "a part of no width": (doc(key=["a\u200b"]), "bad_key"),
    "a key that is too long": (doc(key=["a" * 501]), "bad_key"),
    "half a letter in a key": (b'{"assets": [{"key": [' + HALF + b"]}]}", "bad_text"),
    "half a letter in metadata": (meta(HALF), "bad_text"),
    "half a letter in a type": (
        b'{"assets": [{"key": ["a"], "metadata": {"x": {"type": "\\udfff", "value": 1}}}]}',
        "bad_text",
    ),
    "half a letter in a label": (b'{"assets": [{"key": ["a"], "metadata": {"\\uDFFF": 1}}]}', "bad_text"),
    "half a letter in a field to come": (b'{"assets": [{"key": ["a"], "future": [' + HALF + b"]}]}", "bad_text"),
    "half a letter beside the assets": (b'{"assets": [], "x": ' + HALF + b"}", "bad_text"),
    "a code version that is a number": (doc(code_version=1), "bad_field"),
    "a group that is a list": (doc(group=["g"]), "bad_field"),
    "a description that is an object": (doc(description={}), "bad_field"),
    "kinds that are a text": (doc(kinds="dbt"), "bad_field"),
    "owners that are numbers": (doc(owners=[1]), "bad_field"),
    "tags that are a list": (doc(tags=["x"]), "bad_field"),
    "tags that are numbers": (doc(tags={"x": 1}), "bad_field"),
    "metadata that is a list": (doc(metadata=[1]), "bad_field"),
    "deps that are texts": (doc(deps=["b"]), "bad_field"),
    "deps without a key": (doc(deps=[{}]), "bad_key"),
    "deps with a slash": (doc(deps=[{"key": ["a/b"]}]), "bad_key"),
    "partitions that are a text": (doc(partitions_def="daily"), "bad_field"),
    "partitions without a type": (doc(partitions_def={"keys": []}), "bad_field"),
    "dimensions that are none": (doc(partitions_def={"type": "multi", "dimensions": [7]}), "bad_field"),
    "a stub that is a text": (doc(is_stub="yes"), "bad_field"),
    "sixty levels": (meta(b"[" * 60 + b"]" * 60), "too_deep"),
    "five thousand levels": (meta(b"[" * 5000 + b"]" * 5000), "too_deep"),
    "five thousand levels in a field to come": (doc(future=7).replace(b"7", b"[" * 5000 + b"]" * 5000), "too_deep"),
    "an empty manifest": (json.dumps({"metadata": {"dbt_schema_version": MANIFEST}}).encode(), "bad_manifest"),
}
# What is no JSON is refused with a push in the words of all other calls.
NO_JSON: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "bad_format", "parse_error"),
    "words": (b"assets", "not_json", "parse_error"),
    "a half": (b'{"assets": [', "not_json", "parse_error"),
    "other letters": (b'{"assets": [], "x": "\xff"}', "not_json", "parse_error"),
    "NaN": (meta(b"NaN"), "not_json", "parse_error"),
    "Infinity": (meta(b"-Infinity"), "not_json", "parse_error"),
    "1e999": (meta(b"1e999"), "not_json", "invalid"),
    "a number of five thousand digits": (meta(b"1" * 5000), "not_json", "parse_error"),
    "ten thousand levels": (meta(b"[" * 10_000 + b"]" * 10_000), "too_deep", "parse_error"),
    "ten thousand objects": (meta(b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "too_deep", "parse_error"),
    "a hundred thousand levels": (b"[" * 100_000, "too_deep", "parse_error"),
}


def of_a_push(api: Api, said: bytes) -> bytes:
    """Answer a push with this snapshot, as it is sent."""
    return b'{"bundles": {"dags": "' + api.upload(ONE).encode() + b'"}, "assets": ' + said + b"}"


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("name", [*BAD, *NO_JSON])
def test_is_refused_and_nothing_is_recorded(location, ci, name: str, key: str | None):
    said, of_put, *of_post = BAD.get(name) or NO_JSON[name]
    code = of_post[0] if of_post else of_put
    push = of_a_push(ci, said)
    refused(ci.post("deploys/", push, key=key), 400, code)
    assert not Deploy.objects.exists()
    go_live(location)
    before = everything()

    problem = refused(put(ci, 1, said, key=key), 400, of_put)

    assert len(problem["detail"]) < 1000
    assert everything() == before
    assert not AssetSet.objects.exists()


def test_as_it_is_too_large_is_refused_before_it_is_parsed(location, ci, monkeypatch: pytest.MonkeyPatch):
    push = of_a_push(ci, doc(description="x" * 5000))
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)

    refused(ci.post("deploys/", push), 413, "too_large")
    assert not Deploy.objects.exists()
    go_live(location)
    refused(put(ci, 1, doc(description="x" * 5000)), 413, "too_large")
    refused(put(ci, 1, b"[" * 5000), 413, "too_large")

    assert not AssetSet.objects.exists()


def test_as_it_has_too_many_values_is_refused_before_it_is_parsed(location, ci):
    go_live(location)

    refused(put(ci, 1, meta(b"[" + b"[]," * 2_100_000 + b"[]]")), 413, "too_large")

    assert not AssetSet.objects.exists()


def test_as_it_has_a_million_assets_is_refused(location, ci):
    go_live(location)
    many = b",".join(b'{"key":["%d"]}' % number for number in range(1_000_000))

    refused(put(ci, 1, b'{"assets":[' + many + b"]}"), 413, "too_large")

    assert not AssetSet.objects.exists()


@pytest.mark.parametrize(
    ("beside", "code"),
    [
        ({"metadata": {"a": "\ud800"}}, "invalid"),
        ({"metadata": {"\ud800": "a"}}, "invalid"),
        ({"description": "\ud800"}, "invalid"),
        ({"description": "\0"}, "invalid"),
        ({"git": {"commit": ["x"]}}, "invalid"),
        ({"bundles": 7}, "invalid"),
        ({"nodes": [["\udc00"]]}, "invalid"),
    ],
)
def test_or_good_beside_what_is_bad_is_not_kept(location, ci, beside, code: str):
    push = {"bundles": {"dags": ci.upload(ONE)}, "assets": snapshot(asset("a"))} | beside

    refused(ci.post("deploys/", json.dumps(push).encode()), 400, code)

    assert not Deploy.objects.exists()
    assert not SentSnapshot.objects.exists()
