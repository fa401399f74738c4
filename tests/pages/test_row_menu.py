"""The rows of a history …"""

import re

import pytest
from django.test import Client

from deployments.models import CodeLocation, Load, Release
from deployments.views.columns import COOKIE
from tests import factories
from tests.pages import scenes
from tests.pages.test_history import words

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def heads(browser: Client, address: str) -> list[str]:
    """Answer the titles of the columns."""
    page = words(browser, address)
    row = page[page.index('id="rows"') :].split("</tr>")[0]
    return [re.sub(r"<[^>]+>", "", each).strip() for each in re.findall(r'<th scope="col">(.*?)</th>', row)]


def items(browser: Client, address: str) -> list[str]:
    """Answer what the menu of a row offers."""
    page = browser.get(f"{address}actions/", headers=HTMX).content.decode()
    return [" ".join(word.split()) for word in re.findall(r"<(?:a|button|span)[^>]*>([^<]*)<", page)]


def test_have_every_column_that_one_of_them_fills_unless_somebody_chose(
    location: CodeLocation, here: str, editor: Client
):
    without_image = heads(editor, here)
    Release.objects.update(image="registry.example/a:1", runtime_version="3.1-4")
    usual = heads(editor, here)
    editor.cookies[COOKIE] = "who.commit.nonsense"
    chosen = heads(editor, here)
    editor.cookies[COOKIE] = "-"
    none = heads(editor, here)

    assert "Image tag" not in without_image
    assert "Runtime version" not in without_image
    assert usual == [
        *("#", "Status", "When", "Who", "Type", "Description", "Assets", "Commit", "Image tag", "Bundle version"),
        *("Runtime version", "Rollback to", "Actions"),
    ]
    assert chosen == ["#", "Status", "Who", "Description", "Commit", "Rollback to", "Actions"]
    assert none == ["#", "Status", "Description", "Rollback to", "Actions"]


def test_hold_as_many_cells_as_there_are_columns(location: CodeLocation, here: str, editor: Client):
    for cookie in (None, "when.kind.release.runtime", "-"):
        if cookie:
            editor.cookies[COOKIE] = cookie
        page = words(editor, here)
        first = re.findall(r"<tr.*?</tr>", page[page.index("<tbody>", page.index('id="rows"')) :])[0]

        assert len(re.findall(r"<t[hd][ >]", first)) == len(heads(editor, here)), cookie


def test_are_drawn_anew_by_the_next_poll_once_the_columns_are_others(here: str, editor: Client):
    poll = here + editor.get(here).context["poll"]
    still = editor.get(poll, headers=HTMX)
    editor.cookies[COOKIE] = "who"

    moved = editor.get(poll, headers=HTMX)

    assert still.status_code == 204
    assert moved.status_code == 200
    assert "Bundle version</th>" not in moved.content.decode()


def test_link_so_that_every_page_that_shows_them_leads_to_the_deploy(location: CodeLocation, here: str, editor: Client):
    overview = location.deployment.get_absolute_url()
    refused = editor.post(f"{here}resume/").content.decode()  # nothing is held

    assert 'href="deploys/2/"' in editor.get(here).content.decode()
    assert 'href="./shop/deploys/2/"' in editor.get(overview).content.decode()
    assert f'<th scope="row"><a href="{here}deploys/2/"' in refused
    from_overview = editor.get(here, headers=HTMX | {"HX-Current-URL": f"http://testserver{overview}"})
    assert 'href="./shop/deploys/2/"' in from_overview.content.decode()
    unsaid = editor.get(here, headers=HTMX)
    assert f'<th scope="row"><a href="{here}deploys/2/"' in unsaid.content.decode()


def test_offer_what_the_person_may_do(location: CodeLocation, here: str, editor: Client, viewer: Client):
    first = location.deploys.get(number=1)

    assert items(editor, f"{here}deploys/1/") == [
        "View deploy",
        "Roll back to this version…",
        "Compare with live #2",
        "Copy release digest",
        "Copy commit 4be1f6a",
    ]
    assert items(viewer, f"{here}deploys/2/") == ["View deploy", "Copy release digest"]
    page = editor.get(f"{here}deploys/1/actions/", headers=HTMX).content.decode()
    assert f'data-copies="{first.release.digest}"' in page
    assert f'data-copies="{scenes.GIT["commit"]}"' in page
    assert f'href="{here}compare/?from=1&amp;to=2"' in page


def test_offer_the_newest_load_and_say_why_there_is_no_rollback(root: Client):
    location = factories.make_location()
    scenes.connect(location)
    with scenes.playing(scenes.ScriptedPlatform()):
        factories.deploy(location, scenes.files(1))
    factories.push(location, scenes.files(2))
    here = location.get_absolute_url()
    load = Load.objects.order_by("-pk").first()
    assert load is not None

    assert f'href="{here}loads/{load.pk}/"' in root.get(f"{here}deploys/1/actions/", headers=HTMX).content.decode()
    assert items(root, f"{here}deploys/2/") == ["View deploy", "No rollback: Never in place"]


def test_offer_the_same_on_a_page_without_scripts(here: str, editor: Client):
    page = words(editor, f"{here}deploys/1/actions/")

    assert "What can be done with #1" in page
    assert "Roll back to this version…" in page


def test_are_collapsed_where_they_are_similar_and_somebody_asks(location: CodeLocation, here: str, editor: Client):
    for _ in range(3):
        factories.deploy(location, scenes.files(2), description="Once more")

    plain = words(editor, here)
    collapsed = editor.get(f"{here}?collapse=true")

    assert [row.deploy.number for row in collapsed.context["rows"]] == [5, 1]
    assert "×4, from #2" in words(editor, f"{here}?collapse=true")
    assert re.search(r'role="switch" aria-checked="false" href="[^"]*\?collapse=true"', plain)
    assert 'aria-checked="true"' in collapsed.content.decode()
    # Of a run only the newest would be asked: what is filtered is shown one by one.
    filtered = editor.get(f"{here}?collapse=true&q=Once")
    assert [row.deploy.number for row in filtered.context["rows"]] == [5, 4, 3]


def test_are_not_offered_to_be_collapsed_where_none_is_like_another(here: str, editor: Client):
    assert "Collapse similar entries" not in words(editor, here)


@pytest.mark.parametrize(
    ("said", "box"),
    [
        ("2026-11-21T12:00", "2026-11-21T12:00"),
        ("2026-11-21T12:00:30", "2026-11-21T12:00:30"),
        ("2026-11-21T12:00:00%2B02:00", "2026-11-21T10:00"),
        ("2026-11-21", "2026-11-21T00:00"),
        ("0001-01-01T00:00:00%2B02:00", ""),
        ("yesterday", ""),
    ],
)
def test_are_filtered_by_times_that_a_browsers_box_can_show(said: str, box: str, here: str, editor: Client):
    page = words(editor, f"{here}?since={said}")

    assert f'name="since" value="{box}"' in page


def test_are_filtered_by_an_assets_key_that_somebody_writes(shop: str, root: Client):
    page = words(root, f"{shop}?asset=raw/rates")

    assert 'name="asset" value="raw/rates"' in page
    assert "Asset key: raw/rates" in page
    assert [row.deploy.number for row in root.get(f"{shop}?asset=raw/rates").context["rows"]] == [5]


def test_say_who_made_live_what_is_live_and_from_which_commit(location: CodeLocation, here: str, editor: Client):
    factories.deploy(location, scenes.files(3), git=scenes.GIT, description="Third")

    summary = words(editor, here).split('id="summary"')[1].split("</section>")[0]

    assert f'href="https://github.com/acme/pipelines/commit/{scenes.GIT["commit"]}"' in summary
    assert ", by root" in summary
    assert "Roll back to last known good #2" in summary
