"""What cannot be done is answered with a problem: …"""

import pytest

from deployments.access import Role
from deployments.models import Bundle, Deploy
from tests.api.asking import BASE, LOCATION, PLACE, Api, answered, refused
from tests.factories import carry_out, make_location, make_member, make_organization, upload
from tests.operations.asking import ONE, TWO
from tests.store.bytes import sha256_of, use_full_disk

# Not on the services too: nothing here depends on which database answers.
pytestmark = [pytest.mark.django_db]

ZEROS = "0" * 64


@pytest.fixture
def location():
    """Answer acme/production/shop."""
    return make_location()


@pytest.fixture
def editor(location) -> Api:
    """Answer the client of somebody who may deploy and roll back there."""
    return Api(make_member(Role.EDITOR, location.deployment))


@pytest.mark.parametrize(
    "path",
    [
        f"{BASE}/organizations/globex/",
        f"{BASE}/organizations/acme/deployments/staging/",
        f"{PLACE}/code-locations/other/",
        f"{PLACE}/code-locations/sh%00p/",
        f"{LOCATION}/deploys/2/",
        f"{LOCATION}/deploys/999999999999999999/",
        f"{LOCATION}/deploys/2/events/",
        f"{LOCATION}/deploys/1/bundles/src/",
    ],
)
def test_an_unknown_place_number_or_mount(location, editor, path: str):
    answered(editor.push(ONE), 202)

    body = refused(editor.get(path), 404, "not_found")

    assert body["detail"] == "Nothing here, or nothing that you may see."


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "nothing_to_put"),
        ({"image": "shop:1"}, 400, "nothing_to_put"),
        ({"bundles": {"dags": ZEROS}}, 400, "unknown_bundle"),
        ({"bundles": {"../up": ZEROS}}, 400, "bad_mount"),
        ({"bundles": {"a\0": ZEROS}}, 400, "bad_mount"),
        ({"bundles": {"dags": "latest"}}, 400, "invalid"),
        ({"bundles": [ZEROS]}, 400, "invalid"),
        ({"settings": {"env": {}}, "image": "x"}, 400, "nothing_to_put"),
        ({"settings": {"env": {}}}, 400, "nothing_to_put"),
        ({"settings": {"vault": {"a": "b"}}}, 400, "bad_settings"),
        ({"settings": {"env": [], "runtime": {"a": 1}}}, 400, "bad_settings"),
        ({"settings": ["env"]}, 400, "invalid"),
        ({"description": "x" * 5001}, 400, "invalid"),
        ({"description": "a\0b"}, 400, "invalid"),
        ({"image": "a\0b"}, 400, "invalid"),
        ({"source_position": 2**63}, 400, "invalid"),
        ({"source_position": -1}, 400, "invalid"),
        ({"expected_live": "two"}, 400, "invalid"),
        ({"metadata": {"a": "\0"}}, 400, "invalid"),
        ({"metadata": {"\0": "a"}}, 400, "invalid"),
        ({"metadata": {"a": "\ud800"}}, 400, "invalid"),
        ({"metadata": {"a": "x" * 20_001}}, 400, "invalid"),
        ({"git": {"commit": "a\0b"}}, 400, "invalid"),
        ({"git": "main"}, 400, "invalid"),
        ({"git": {"committed_at": "yesterday"}}, 400, "invalid"),
        ({"git": {"committed_at": "2026-11-21T13:00:00"}}, 400, "invalid"),
        ({"git": {"committed_at": "0001-01-01T00:00:00+14:00"}}, 400, "invalid"),
        ({"git": {"committed_at": "<b>2026-11-21T13:00:00Z"}}, 400, "invalid"),
        ([], 400, "invalid"),
        ("deploy", 400, "invalid"),
    ],
)
def test_a_push_of_nonsense(location, editor, body, status: int, code: str):
    refused(editor.post("deploys/", body), status, code)

    assert not Deploy.objects.exists()


def test_a_push_with_a_number_that_json_cannot_say(location, editor):
    said = b'{"image": "a", "metadata": {"a": 1e999}}'

    refused(editor.ask("POST", "deploys/", said), 400, "invalid")


def test_a_push_that_is_outdated(location, editor):
    answered(editor.push(ONE, source_position=2), 202)
    carry_out(Deploy.objects.get())

    refused(editor.push(TWO, source_position=1), 409, "outdated")
    refused(editor.push(TWO, expected_live=0), 409, "outdated")


def test_a_push_of_a_foreign_or_incomplete_bundle(location, editor):
    foreign = upload(make_organization("globex"), ONE)
    refused(editor.post("deploys/", {"bundles": {"dags": foreign}}), 400, "unknown_bundle")
    line = {"path": "a.py", "mode": "0644", "sha256": ZEROS, "size": 1}
    made = answered(editor.post(f"{BASE}/bundles/", {"organization": "acme", "files": [line]}), 200)

    assert (made["missing"], made["complete"]) == ([ZEROS], False)
    refused(editor.post("deploys/", {"bundles": {"dags": made["digest"]}}), 409, "incomplete_bundle")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"to": 99, "description": "Bad."}, 404, "unknown_deploy"),
        ({"to": 1}, 400, "invalid"),
        ({"to": 1, "description": " "}, 400, "invalid"),
        ({"description": "Bad."}, 400, "invalid"),
        ({"to": "yesterday", "description": "Bad."}, 400, "invalid"),
        ({"to": -1, "description": "Bad."}, 400, "invalid"),
        ({"to": 1.5, "description": "Bad."}, 400, "invalid"),
        ({"to": 2**64, "description": "Bad."}, 400, "invalid"),
        ({"to": True, "description": "Bad."}, 400, "invalid"),
        ({"to": "last-good", "description": "Bad."}, 409, "no_last_good"),
        ({"to": 1, "description": "Bad."}, 409, "never_placed"),
        ({"to": 1, "description": "Bad.", "scope": "moon"}, 400, "invalid"),
    ],
)
def test_a_rollback_to_nonsense(location, editor, body, status: int, code: str):
    answered(editor.push(ONE), 202)

    refused(editor.post("rollbacks/", body), status, code)

    assert Deploy.objects.count() == 1


def test_a_second_rollback(location, editor):
    for files in (ONE, TWO):
        answered(editor.push(files), 202)
        carry_out(Deploy.objects.order_by("-pk").first())
    answered(editor.post("rollbacks/", {"to": 1, "description": "Bad."}), 202)

    body = refused(editor.post("rollbacks/", {"to": 1, "description": "Bad."}), 409, "busy")

    assert "#3" in body["detail"]


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "a\\b", "a\0", "a" * 600, ""])
def test_a_manifest_with_a_bad_path(location, editor, path: str):
    line = {"path": path, "mode": "0644", "sha256": ZEROS, "size": 1}

    refused(editor.post(f"{BASE}/bundles/", {"organization": "acme", "files": [line]}), 400, "bad_manifest")

    assert not Bundle.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "bad_manifest"),
        ({"organization": "acme"}, "bad_manifest"),
        ({"files": []}, "organization_missing"),
        ({"organization": 3, "files": []}, "organization_missing"),
    ],
)
def test_a_manifest_that_is_none(location, editor, body, code: str):
    refused(editor.post(f"{BASE}/bundles/", body), 400, code)


@pytest.mark.parametrize("organization", ["globex", "nowhere", "a\0"])
def test_a_manifest_for_somebody_else(location, editor, organization: str):
    make_organization("globex")

    refused(editor.post(f"{BASE}/bundles/", {"organization": organization, "files": []}), 404, "not_found")


def test_a_manifest_over_a_limit(location, editor, settings):
    settings.LASTGOOD_MAX_FILES = 0
    line = {"path": "a", "mode": "0644", "sha256": ZEROS, "size": 1}

    refused(editor.post(f"{BASE}/bundles/", {"organization": "acme", "files": [line]}), 413, "too_many_files")


@pytest.mark.parametrize(
    "kind", ["application/octet-stream", "application/json", "multipart/form-data; boundary=x", "text/plain", ""]
)
def test_an_upload_is_taken_whatever_it_says_it_is(location, editor, kind: str):
    content = b'{"a": 1}'
    line = {"path": "a", "mode": "0644", "sha256": sha256_of(content), "size": len(content)}
    answered(editor.post(f"{BASE}/bundles/", {"organization": "acme", "files": [line]}), 200)
    where = f"{BASE}/blobs/{sha256_of(content)}?organization=acme"

    assert editor.ask("PUT", where, content, content_type=kind).status_code == 204


def test_an_upload_that_is_wrong(location, editor, settings):
    content = b"version = 1\n"
    line = {"path": "a", "mode": "0644", "sha256": sha256_of(content), "size": len(content)}
    where = f"{BASE}/blobs/{sha256_of(content)}?organization=acme"

    refused(editor.ask("PUT", where, content), 404, "blob_not_expected")
    answered(editor.post(f"{BASE}/bundles/", {"organization": "acme", "files": [line]}), 200)
    refused(editor.ask("PUT", where, content[:-1]), 400, "blob_mismatch")
    refused(editor.ask("PUT", where, content + b"!"), 413, "blob_mismatch")
    refused(editor.ask("PUT", where, content.upper()), 400, "blob_mismatch")
    refused(editor.ask("PUT", where.replace("acme", "nowhere"), content), 404, "not_found")
    refused(editor.ask("PUT", where.partition("?")[0], content), 400, "organization_missing")
    refused(editor.ask("PUT", f"{BASE}/blobs/..%00?organization=acme", content), 404, "not_found")
    use_full_disk(settings)
    refused(editor.ask("PUT", where, content), 507, "store_full")


@pytest.mark.parametrize(
    "said", [b"{", b"nonsense", b"{'a': 1}", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"a":' * 50_000]
)
@pytest.mark.parametrize("path", ["deploys/", "rollbacks/", "hold/", f"{BASE}/bundles/", f"{BASE}/auth/token/"])
def test_json_that_is_none(location, editor, said: bytes, path: str):
    refused(editor.ask("POST", path, said), 400, "parse_error")


@pytest.mark.parametrize(
    "path", ["deploys/", "rollbacks/", "hold/", f"{BASE}/bundles/", f"{BASE}/auth/token/", f"{PLACE}/code-locations/"]
)
def test_a_body_that_is_too_large(location, editor, settings, path: str):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    if path.endswith("code-locations/"):
        editor = Api(make_member(Role.ADMIN, location.deployment))

    body = refused(editor.post(path, {"description": "x" * 1000}), 413, "body_too_large")

    assert "at most 1000" in body["detail"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"]
)
def test_another_content_type(location, editor, kind: str):
    refused(editor.ask("POST", "deploys/", b"bundles=1", content_type=kind), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", ""),
        ("PUT", "deploys/1/"),
        ("DELETE", "deploys/1/"),
        ("GET", "rollbacks/"),
        ("POST", ""),
        ("PATCH", "deploys/"),
    ],
)
def test_a_method_that_is_not_there(location, editor, method: str, path: str):
    answered(editor.push(ONE), 202)

    refused(editor.ask(method, path, {}), 405, "method_not_allowed")
