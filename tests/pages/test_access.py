"""Who sees which page, and who may press which button …"""

import re

import pytest
from django.test import Client

from deployments.access import Role
from deployments.models import CodeLocation, Deploy, Load
from deployments.states import DeployStatus
from tests import factories
from tests.pages import scenes
from tests.pages.conftest import signed_in

pytestmark = pytest.mark.django_db

PAGES = ["", "deploys/1/", "deploys/1/live/"]
DIALOGS = ["rollback/?to=1", "hold/"]
# verb: the role that is just not enough, the lowest that is, and what is sent
VERBS = {
    "rollbacks/": (Role.DEPLOYER, Role.EDITOR, {"to": "1", "description": "Bad."}),
    "holds/": (Role.DEPLOYER, Role.EDITOR, {"reason": "Release day."}),
    "resume/": (Role.DEPLOYER, Role.EDITOR, {}),
    "deploys/3/cancel/": (Role.VIEWER, Role.DEPLOYER, {}),
    "deploys/3/retry/": (Role.VIEWER, Role.DEPLOYER, {}),
    "deploys/3/describe/": (Role.VIEWER, Role.DEPLOYER, {"description": "New words"}),
}


def test_lead_strangers_to_the_sign_in(here: str, client: Client):
    for address in ["/", "/deployments/acme/production/", *(here + page for page in PAGES + DIALOGS)]:
        answer = client.get(address)
        assert answer.status_code == 302, address
        assert answer["Location"].startswith("/accounts/login/?next="), address


def test_do_not_exist_for_people_of_another_organization(here: str):
    other = factories.make_deployment(factories.make_organization("globex"))
    foreigner = signed_in(factories.make_member(Role.ADMIN, other))

    for address in ["/deployments/acme/production/", *(here + page for page in PAGES + DIALOGS)]:
        assert foreigner.get(address).status_code == 404, address
    for verb, (_, _, sent) in VERBS.items():
        assert foreigner.post(here + verb, sent).status_code == 404, verb
    assert "acme" not in foreigner.get("/").content.decode()


def test_say_the_same_of_the_unseen_and_of_the_absent(here: str):
    other = factories.make_deployment(factories.make_organization("globex"))
    foreigner = signed_in(factories.make_member(Role.VIEWER, other))

    unseen, absent = foreigner.get(here), foreigner.get("/deployments/acme/nothing/shop/")

    assert unseen.status_code == absent.status_code == 404
    assert without_token(unseen.content) == without_token(absent.content)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEPLOYER, Role.EDITOR, Role.ADMIN])
def test_open_to_every_role(role: Role, location: CodeLocation, here: str):
    member = signed_in(factories.make_member(role, location.deployment))

    for address in ["/", "/deployments/acme/production/", *(here + page for page in PAGES)]:
        assert member.get(address).status_code == 200, address
    for address in DIALOGS:
        assert member.get(here + address).status_code == (200 if role in {Role.EDITOR, Role.ADMIN} else 403), address


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEPLOYER, Role.EDITOR])
def test_show_only_buttons_that_the_person_may_press(role: Role, location: CodeLocation, here: str):
    factories.push(location, {"a.py": b"3"})
    member = signed_in(factories.make_member(role, location.deployment))

    history, one = member.get(here).content.decode(), member.get(f"{here}deploys/3/").content.decode()

    assert ("rollback/?to=" in history) == (role is Role.EDITOR)
    assert ("hold/" in history) == (role is Role.EDITOR)
    assert ("cancel/" in one) == (role is not Role.VIEWER)
    assert ("describe/" in one) == (role is not Role.VIEWER)


@pytest.mark.parametrize("verb", VERBS)
def test_refuse_a_verb_to_those_who_see_and_may_not(verb: str, location: CodeLocation, here: str):
    not_enough, enough, sent = VERBS[verb]
    arrange(verb, location)
    before = state(location)

    refused = signed_in(factories.make_member(not_enough, location.deployment)).post(here + verb, sent)
    unchanged = state(location) == before
    done = signed_in(factories.make_member(enough, location.deployment)).post(here + verb, sent)

    assert refused.status_code == 403
    assert "You may not" in refused.content.decode()
    assert unchanged
    assert done.status_code == 302
    assert state(location) != before


@pytest.mark.parametrize("verb", VERBS)
def test_do_nothing_when_a_verb_is_merely_looked_at(verb: str, editor: Client, here: str):
    assert editor.get(here + verb).status_code == 405


def test_refuse_a_post_without_its_csrf_token(location: CodeLocation, here: str):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(factories.make_member(Role.EDITOR, location.deployment))

    answer = browser.post(f"{here}rollbacks/", {"to": "1", "description": "Bad."})

    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()
    assert location.deploys.count() == 2


def without_token(page: bytes) -> bytes:
    """Answer the page without the token of its sign-out button, which is new each time."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]*"', b"", page)


def arrange(verb: str, location: CodeLocation) -> None:
    """Make what the verb needs: a third deploy that waits, or one that was canceled; a hold."""
    if "deploys/3" in verb:
        waiting = factories.push(location, {"a.py": b"3"})
        if "retry" in verb:
            Deploy.objects.filter(pk=waiting.pk).update(
                status=DeployStatus.CANCELED, finished_at=factories.noon(), error={"code": "canceled"}
            )
    if verb == "resume/":
        from deployments import operations

        operations.hold(location=location, reason="Wait.", actor=factories.superuser(), now=factories.noon())


def state(location: CodeLocation) -> list[object]:
    """Answer all that a verb may change."""
    return [
        list(location.deploys.order_by("number").values_list("number", "status", "description")),
        list(location.holds.values_list("pk", "released_at")),
    ]


@pytest.mark.parametrize("part", ["", "assets/", "compare/", "loads/", "loads/1/", "git/", "../-/alerts/"])
def test_lead_those_who_configure_from_each_page_of_a_place_to_connection_and_members(
    location: CodeLocation, here: str, editor: Client, part: str
):
    admin = signed_in(factories.make_member(Role.ADMIN, location.deployment))
    scenes.connect(location)
    with scenes.playing(scenes.ScriptedPlatform()):
        factories.deploy(location, scenes.files(3))
    address = f"/deployments/acme/production/{part[3:]}" if part.startswith("../") else here + part
    address = address.replace("/1/", f"/{Load.objects.latest('pk').pk}/")
    links = ["/deployments/acme/production/-/connection/", "/deployments/acme/production/-/members/"]

    shown, hidden = admin.get(address).content.decode(), editor.get(address).content.decode()

    assert all(f'href="{link}"' in shown for link in links)
    assert not any(f'href="{link}"' in hidden for link in links)


@pytest.mark.parametrize("part", ["alerts", "connection", "members"])
def test_lead_from_each_page_of_a_deployment_to_the_others(location: CodeLocation, part: str):
    admin = signed_in(factories.make_member(Role.ADMIN, location.deployment))

    shown = admin.get(f"/deployments/acme/production/-/{part}/").content.decode()

    for other in ("", "-/alerts/", "-/connection/", "-/members/"):
        assert f'<a href="/deployments/acme/production/{other}"' in shown
    assert f'-/{part}/" aria-current="page"' in shown
