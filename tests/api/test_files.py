"""The files of a release, by the API: bounded answers, and bytes that were seen to be right."""

import pytest

from tests.api.asking import answered, refused
from tests.api.test_contract import editor, ended, location
from tests.store.bytes import damage

__all__ = ["editor", "location"]
pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_the_tree_comes_a_thousand_files_at_a_time(location, editor):
    answered(editor.push({f"pkg/{number:04}.py": b"1" for number in range(1_001)}), 202)
    ended(1)

    first = answered(editor.get("deploys/1/bundles/dags/"), 200)
    cursor = first["next"].partition("cursor=")[2]
    rest = answered(editor.get("deploys/1/bundles/dags/", cursor=cursor), 200)

    assert (len(first["files"]), first["previous"]) == (1_000, None)
    assert [line["path"] for line in rest["files"]] == ["pkg/1000.py"]
    assert rest["next"] is None
    refused(editor.get("deploys/1/bundles/dags/", cursor="x"), 400, "invalid_cursor")


def test_a_damaged_file_is_refused_and_not_sent(location, editor):
    answered(editor.push({"a.py": b"one\n", "b.py": b"two\n"}), 202)
    ended(1)
    damage(b"one\n")

    refused(editor.get("deploys/1/bundles/dags/files/", path="a.py"), 409, "artifact_damaged")
    whole = editor.get("deploys/1/bundles/dags/files/", path="b.py")

    assert b"".join(whole.streaming_content) == b"two\n"


def test_of_a_push_that_waits_the_files_are_told_too(location, editor):
    answered(editor.push({"a.py": b"one\n"}), 202)

    tree = answered(editor.get("deploys/1/bundles/dags/"), 200)

    assert [line["path"] for line in tree["files"]] == ["a.py"]
