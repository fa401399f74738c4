"""An error page …"""

import re
from typing import Any

import pytest
from django.core.handlers.exception import response_for_exception
from django.test import Client, RequestFactory
from django.views.defaults import bad_request, permission_denied, server_error

from tests import factories
from tests.matrix.test_pages_matrix import told
from tests.pages.conftest import signed_in


@pytest.mark.django_db
def test_says_the_same_of_what_is_unseen_and_what_is_not_there():
    location = factories.make_location()
    browser = signed_in(factories.make_user("stranger"))

    unseen = browser.get(location.get_absolute_url())
    absent = browser.get(location.get_absolute_url().replace("shop", "absent"))

    assert told(unseen) == told(absent)
    assert unseen.status_code == 404
    assert "Sign in" not in unseen.text


@pytest.mark.django_db
def test_tells_who_is_not_signed_in_where_to():
    assert 'href="/accounts/login/"' in Client().get("/no/such/page/").text


@pytest.mark.django_db
def test_of_a_form_without_its_token_says_that_nothing_was_done():
    browser = Client(enforce_csrf_checks=True)

    answer = browser.post("/accounts/login/", {"login": "mona", "password": "secret"})

    assert answer.status_code == 403
    assert "This page was open for too long" in answer.text


def test_of_a_fault_needs_no_database_and_no_other_template(settings: Any):
    # Any query would fail: no test database was asked for.
    answer = server_error(RequestFactory().get("/"))

    assert answer.status_code == 500
    assert b"Something broke here" in answer.content
    assert b"lastgood.css" in answer.content


@pytest.mark.parametrize(("view", "status"), [(bad_request, 400), (permission_denied, 403), (server_error, 500)])
@pytest.mark.django_db
def test_has_our_look_and_nothing_inline(view: Any, status: int):
    request = RequestFactory().get("/")
    request.user = factories.make_user("mona")
    request.session = {}
    arguments = [request] if status == 500 else [request, Exception("<b>why</b>")]

    answer = view(*arguments)

    text = answer.content.decode()
    assert answer.status_code == status
    assert 'class="brand"' in text
    assert "<b>why</b>" not in text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)


@pytest.mark.django_db
def test_of_a_fault_tells_nothing_of_it():
    request = RequestFactory().get("/")
    request.user = factories.make_user("mona")

    answer = response_for_exception(request, RuntimeError("c4n4ry"))

    assert answer.status_code == 500
    assert b"c4n4ry" not in answer.content
