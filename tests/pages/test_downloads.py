"""The downloads page …"""

import hashlib
import json
import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from django.test import Client

from deployments import drivers
from deployments.access import Role
from deployments.models import CodeLocation, Deployment
from deployments.views import downloads
from tests import factories
from tests.pages import shipping
from tests.pages.conftest import signed_in
from tests.pages.test_history import words
from tests.pages.test_markup import Reader

pytestmark = pytest.mark.django_db
NAME = "lastgood_airflow_bundle.py"
FILE = downloads.FOLDER / NAME


@pytest.fixture
def location(db: None) -> CodeLocation:
    """Answer the location of an Airflow."""
    return shipping.make_airflow()


def configured(page: str) -> dict[str, object]:
    """Answer the one bundle that the page's example configures, read as Airflow reads it."""
    text = page[page.index("[dag_processor]") : page.index("</code></pre>", page.index("[dag_processor]"))]
    parser = ConfigParser(interpolation=None)
    parser.read_string(text.replace("&quot;", '"'))
    (bundle,) = json.loads(parser["dag_processor"]["dag_bundle_config_list"])
    return dict(bundle)


def test_serves_the_file_and_its_checksum_to_anybody(client: Client):
    file, said = client.get(f"/downloads/{NAME}"), client.get(f"/downloads/{NAME}.sha256")

    assert file.content == FILE.read_bytes()
    assert file["Content-Disposition"] == f'attachment; filename="{NAME}"'
    assert file["Content-Type"].startswith("text/x-python")
    assert file["X-Content-Type-Options"] == "nosniff"
    assert said.content.decode() == f"{hashlib.sha256(FILE.read_bytes()).hexdigest()}  {NAME}\n"


def test_lists_the_file_with_size_and_checksum_to_anybody(client: Client):
    page = words(client, "/downloads/")

    assert hashlib.sha256(FILE.read_bytes()).hexdigest() in page
    assert f'href="/downloads/{NAME}"' in page
    assert configured(client.get("/downloads/").content.decode())["kwargs"]["place"] == "acme/production/shop"


@pytest.mark.parametrize(
    "name",
    [
        "../settings.py",
        "..%2fapps.py",
        "%2e%2e/apps.py",
        "__init__.py",
        ".env",
        "",
        "x.py",
        f"{NAME}.sha256.sha256",
        "%00",
    ],
)
def test_knows_no_other_name(name: str, client: Client):
    assert client.get(f"/downloads/{name}").status_code == 404 or name == ""
    assert name.removesuffix(".sha256") not in downloads.offered()


def test_offers_nothing_but_plain_files_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("good.py", "_private.py", ".hidden.py", "notes.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder.py").mkdir()
    monkeypatch.setattr(downloads, "FOLDER", tmp_path)
    downloads.offered.cache_clear()

    try:
        assert list(downloads.offered()) == ["good.py"]
    finally:
        downloads.offered.cache_clear()


def test_has_the_values_of_a_place_for_those_who_see_it(location: CodeLocation, viewer: Client):
    for place in ("acme/warehouse", "acme/warehouse/default"):
        bundle = configured(viewer.get(f"/downloads/?place={place}").content.decode())

        assert bundle["name"] == "warehouse"
        assert bundle["classpath"] == "lastgood_airflow_bundle.LastgoodBundle"
        assert bundle["kwargs"] == {
            "root": str(drivers.target_path(location)),
            "portal_url": "http://localhost:8000",
            "place": "acme/warehouse/default",
            "refresh_interval": 30,
        }


def test_names_the_bundle_as_the_connection_does(location: CodeLocation, viewer: Client):
    Deployment.objects.update(dag_bundle="pinned")

    assert configured(viewer.get("/downloads/?place=acme/warehouse").content.decode())["name"] == "pinned"


def test_tells_nothing_of_a_place_to_those_who_do_not_see_it(location: CodeLocation, client: Client):
    stranger = signed_in(factories.make_user("stranger"))
    folder = str(drivers.target_path(location))

    for browser in (client, stranger):
        seen, absent = (
            re.sub(r'csrfmiddlewaretoken" value="\w+"', "", words(browser, f"/downloads/?place=acme/{name}"))
            for name in ("warehouse", "absent")
        )
        assert "There is no such place, or none that you see" in seen
        assert seen == absent
        assert folder not in seen


@pytest.mark.parametrize("place", ["%00", "a/b/%00", "//", "a", "x" * 5000, "a/b/c/d"])
def test_stands_odd_places(place: str, location: CodeLocation, viewer: Client):
    assert viewer.get(f"/downloads/?place={place}").status_code == 200


def test_leads_to_the_connection_those_who_may_change_it(location: CodeLocation, viewer: Client):
    admin = signed_in(factories.make_member(Role.ADMIN, location.deployment))
    address = 'href="/deployments/acme/warehouse/-/connection/"'

    assert address in words(admin, "/downloads/?place=acme/warehouse")
    assert address not in words(viewer, "/downloads/?place=acme/warehouse")


def test_is_built_as_every_page_is(location: CodeLocation, viewer: Client, client: Client):
    for browser, query in ((viewer, "?place=acme/warehouse"), (client, "")):
        reader = Reader()
        reader.feed(browser.get(f"/downloads/{query}").content.decode())
        reader.close()

        assert (reader.inline, reader.foreign, reader.unlabelled) == ([], [], [])
        assert len(reader.ids) == len(set(reader.ids))


def test_configures_what_the_bundle_takes(location: CodeLocation, viewer: Client):
    kwargs = configured(viewer.get("/downloads/?place=acme/warehouse").content.decode())["kwargs"]
    source = FILE.read_text()

    # `refresh_interval` is Airflow's own.
    taken = source[source.index("def __init__(self, *") :].partition("->")[0]
    assert {name for name in kwargs if name != "refresh_interval"} == {
        name for name in ("root", "subdir", "portal_url", "place") if f"{name}: str" in taken and name in kwargs
    }
