"""Every page, whoever made it, …"""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.matrix.pages import SHOWN
from tests.matrix.rows import Row
from tests.matrix.scene import Scene, content_of
from tests.matrix.test_pages_matrix import sign_in

pytestmark = [pytest.mark.django_db]

MOST_QUERIES = 15
MOST_BYTES = 150_000


@pytest.fixture
def reader(scene: Scene) -> Client:
    """Answer the browser of an organization admin, who is shown most; what a process learns once, it has learned."""
    reader = Client()
    sign_in(reader, "organization_admin@organization", scene)
    reader.get("/")
    return reader


@pytest.mark.parametrize("row", SHOWN, ids=str)
def test_costs_few_queries_and_bytes(row: Row, reader: Client):
    with CaptureQueriesContext(connection) as queries:
        answer = reader.get(row.url())

    assert answer.status_code == 200
    assert len(content_of(answer)) < MOST_BYTES
    assert len(queries) <= MOST_QUERIES, "\n".join(query["sql"][:200] for query in queries)


INLINE = re.compile(r"""<[^>]*\s(?:style|on[a-z]+)\s*=|<style\b|<script\b(?![^>]*\ssrc=)|javascript:""", re.IGNORECASE)
FETCHED = re.compile(r"""<(?:script|img|link|iframe|source|use|image)\b[^>]*\s(?:src|href|srcset)=["']([^"']*)""")


@pytest.mark.parametrize("row", SHOWN, ids=str)
def test_asks_nobody_else_for_anything_and_has_no_script_or_style_in_its_markup(row: Row, reader: Client):
    answer = reader.get(row.url())
    markup = content_of(answer).decode()

    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert not INLINE.search(markup), INLINE.search(markup)
    assert [address for address in FETCHED.findall(markup) if not address.startswith(("/", "#"))] == []
