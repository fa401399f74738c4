"""The page of a deploy …"""

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments import access, operations
from deployments.models import CodeLocation, Deploy, DeployEvent, Hold
from tests import factories
from tests.pages import scenes
from tests.pages.test_budget import MOST_QUERIES, cost

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
AT = datetime.fromisoformat("2026-11-21T12:00:00+00:00")


def plain(browser: Client, address: str, **headers: str) -> str:
    """Answer what a page says, without its markup."""
    answer = browser.get(address, headers=headers)
    assert answer.status_code == 200, address
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def steps(page: str) -> str:
    """Answer what the timeline says."""
    return page.split(" Steps ")[1].split(" Log ")[0].split(" Assets ")[0]


def write_lines(deploy: Deploy, count: int, *, at: datetime | None = None) -> None:
    """Add so many lines to a deploy's log, as the pipeline would have."""
    first = Deploy.objects.get(pk=deploy.pk).last_event + 1
    DeployEvent.objects.bulk_create(
        DeployEvent(deploy=deploy, seq=seq, at=at or timezone.now(), kind="LOG", step="COMMAND", message=f"line {seq}.")
        for seq in range(first, first + count)
    )
    Deploy.objects.filter(pk=deploy.pk).update(last_event=first + count - 1)


def running(location: CodeLocation, **fields: object) -> Deploy:
    """Make #3, which is being put in place."""
    deploy = factories.push(location, scenes.files(3))
    release = location.deploys.get(number=2).release
    fields = {"status": "RUNNING", "step": "ACTIVATE", "release": release, "started_at": timezone.now()} | fields
    Deploy.objects.filter(pk=deploy.pk).update(**fields)
    return Deploy.objects.get(pk=deploy.pk)


def test_tells_each_step_with_its_time_and_how_long_it_took(location: CodeLocation, here: str, viewer: Client):
    names = ("created_at", "started_at", "activated_at", "reloaded_at", "verified_at", "finished_at")
    after = (0, 0.3, 1.8, 61.8, 62.3, 62.3)
    times = {name: AT + timedelta(seconds=seconds) for name, seconds in zip(names, after, strict=True)}
    location.deploys.filter(number=2).update(**times, verified=True, platform_asked=True)

    page = viewer.get(f"{here}deploys/2/").content.decode()

    said = (
        "Stored 12:00:00 Claimed 12:00:00 after 0.3 s Activated 12:00:01 after 1.5 s Reloaded 12:01:01 after 1 min 0 s"
    )
    assert f"{said} Verified 12:01:02 after 0.5 s Live 12:01:02 after 0.0 s" in steps(
        plain(viewer, f"{here}deploys/2/")
    )
    assert 'title="2026-11-21 12:01:01 UTC"' in page
    assert re.findall(r'width="(\d+)%" rx="2" class="part"', page) == ["0", "2", "96", "1", "0"]
    assert "1 min 2 s from the claim to the end" in page


def test_says_what_was_not_reached_and_where_it_broke(location: CodeLocation, here: str, viewer: Client):
    error = {"code": "load_failed", "detail": "No.", "step": "RELOAD"}
    ended = {"finished_at": AT + timedelta(seconds=5), "created_at": AT, "started_at": AT, "activated_at": AT}
    location.deploys.filter(number=2).update(
        status="FAILED", live_seq=None, error=error, platform_asked=True, verified_at=None, **ended
    )

    line = steps(plain(viewer, f"{here}deploys/2/"))

    assert "Reloaded failed after 5.0 s Verified not reached Failed 12:00:05" in line


def test_marks_as_broken_the_first_step_that_was_not_reached_where_none_is_named(
    location: CodeLocation, here: str, viewer: Client
):
    error = {"code": "artifact_gone", "detail": "Gone."}
    factories.push(location, scenes.files(3))
    location.deploys.filter(number=3).update(status="FAILED", finished_at=timezone.now(), error=error)

    assert re.search(
        r"Stored [\d:]+ Claimed failed after [\d.]+ s Activated not reached", steps(plain(viewer, f"{here}deploys/3/"))
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "HELD", "started_at": None}, "Claimed held Activated to come"),
        ({"status": "QUEUED", "started_at": None}, "Claimed waits for a worker Activated to come"),
        ({"step": "PIN"}, "Activated now… Not verified no platform connected Live to come"),
        ({"step": "AWAIT"}, "Activated waits for the receiver"),
    ],
)
def test_says_what_is_done_now(fields: dict[str, object], said: str, location: CodeLocation, here: str, viewer: Client):
    running(location, **fields)

    assert said in steps(plain(viewer, f"{here}deploys/3/"))


def test_says_once_that_nothing_was_verified_and_each_time_once(location: CodeLocation, here: str, viewer: Client):
    page = plain(viewer, f"{here}deploys/2/")
    without_log = page.split(" Log ")[0]

    assert without_log.count("no platform connected") == 1
    assert len(re.findall(r"just now|\d+ s ago", without_log)) == 1


def test_follows_by_adding_the_lines_after_the_last_that_is_shown(location: CodeLocation, here: str, viewer: Client):
    deploy = running(location)
    write_lines(deploy, 3)
    page = viewer.get(f"{here}deploys/3/").content.decode()
    asked = re.search(r'hx-get="([^"]+)" hx-trigger="every 1s"', page)
    assert asked is not None
    address = asked[1].replace("&amp;", "&")
    assert viewer.get(address, headers=HTMX).status_code == 204

    write_lines(deploy, 2)
    more = viewer.get(address, headers=HTMX).content.decode()

    last = deploy.last_event + 5
    assert f"after={last - 2}" in address
    assert re.findall(r'id="line-(\d+)"', more) == [str(last - 1), str(last)]
    assert '<ol id="log-lines" hx-swap-oob="beforeend">' in " ".join(more.split())
    assert f"after={last}" in more
    # The same question again, after an answer that was lost on its way: nothing is missing.
    assert viewer.get(address, headers=HTMX).content.decode().count('id="line-') == 2


def test_stops_following_when_it_ended_and_every_line_is_shown(location: CodeLocation, here: str, viewer: Client):
    deploy = running(location)
    write_lines(deploy, 1_200)
    Deploy.objects.filter(pk=deploy.pk).update(status="ERRORED", finished_at=timezone.now(), error={"detail": "Broke."})
    seen, after, answers = [], 0, 0

    while True:
        answer = viewer.get(f"{here}deploys/3/live/?seen=x&pace=1&after={after}", headers=HTMX).content.decode()
        answers += 1
        seen += [int(seq) for seq in re.findall(r'id="line-(\d+)"', answer)]
        if "hx-get" not in answer.split('id="deploy-title"')[0]:
            break
        after = seen[-1]

    assert seen == list(range(1, deploy.last_event + 1_201))
    assert answers == 3
    assert "Errored" in answer
    assert "Broke." in answer


@pytest.mark.parametrize(("quiet", "pace"), [(1, 1), (45, 2), (300, 5), (3_600, 10)])
def test_asks_less_often_the_longer_nothing_is_said(
    quiet: int, pace: int, location: CodeLocation, here: str, viewer: Client
):
    deploy = running(location)
    deploy.events.update(at=timezone.now() - timedelta(seconds=quiet))
    assert f'hx-trigger="every {pace}s"' in viewer.get(f"{here}deploys/3/").content.decode()

    seen = f"{deploy.last_event}-RUNNING-ACTIVATE-0"
    slower = viewer.get(f"{here}deploys/3/live/?seen={seen}&after={deploy.last_event}&pace=99", headers=HTMX)
    same = viewer.get(f"{here}deploys/3/live/?seen={seen}&after={deploy.last_event}&pace={pace}", headers=HTMX)

    assert f'hx-trigger="every {pace}s"' in slower.content.decode()
    assert same.status_code == 204


def test_of_somebody_who_was_removed_is_loaded_again_and_tells_nothing(
    location: CodeLocation, here: str, viewer: Client
):
    write_lines(running(location), 3)
    member = access.members(location.deployment)[0].user
    access.revoke(user=member, on=location.deployment, actor=factories.superuser())

    for page in ("live/?after=0", "log/?before=9", "files/?mount=dags"):
        answer = viewer.get(f"{here}deploys/3/{page}", headers=HTMX)
        assert (answer.headers["HX-Refresh"], answer.content) == ("true", b""), page
    for page in ("", "log.txt"):
        assert viewer.get(f"{here}deploys/3/{page}").status_code == 404


def test_of_a_long_log_shows_the_end_and_leads_to_what_is_before(location: CodeLocation, here: str, viewer: Client):
    deploy = location.deploys.get(number=2)
    write_lines(deploy, 10_000)
    last = deploy.last_event + 10_000

    queries, size = cost(viewer, f"{here}deploys/2/")
    page = viewer.get(f"{here}deploys/2/").content.decode()
    earlier = viewer.get(f"{here}deploys/2/log/?before={last - 199}", headers=HTMX).content.decode()
    without_script = viewer.get(f"{here}deploys/2/log/?before={last - 199}")
    text = b"".join(viewer.get(f"{here}deploys/2/log.txt").streaming_content).decode()

    assert queries <= MOST_QUERIES
    assert size < 150_000
    assert re.findall(r'id="line-(\d+)"', page) == [str(seq) for seq in range(last - 199, last + 1)]
    assert f"{last - 200} earlier lines" in page
    assert re.findall(r'id="line-(\d+)"', earlier) == [str(seq) for seq in range(last - 699, last - 199)]
    assert 'hx-swap-oob="afterbegin"' in earlier
    assert without_script["Location"] == f"{here}deploys/2/?before={last - 199}#log-title"
    turned = viewer.get(without_script["Location"]).content.decode()
    assert f'id="line-{last - 200}"' in turned
    assert f'id="line-{last}"' not in turned
    assert len(text.splitlines()) == last
    assert text.endswith(f"Info     command   line {last}.\n")


def test_of_the_log_is_a_text_to_download(location: CodeLocation, here: str, viewer: Client):
    deploy = location.deploys.get(number=2)
    deploy.events.update(message="<script>alert(1)</script>\nand more", level="WARNING")

    answer = viewer.get(f"{here}deploys/2/log.txt")
    page = viewer.get(f"{here}deploys/2/").content.decode()

    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="production-shop-2.log"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Warning  claim     <script>alert(1)</script>\n    and more\n" in b"".join(answer.streaming_content).decode()
    assert "<script>alert(1)" not in page
    assert '<span class="level">Warning</span>' in page


def test_leads_to_what_it_restored_and_to_what_restored_it(location: CodeLocation, here: str, viewer: Client):
    first = factories.roll_back(location, 1)
    hold = Hold.objects.get()
    operations.resume(location=factories.fresh(location), actor=factories.superuser(), now=timezone.now())
    factories.roll_back(factories.fresh(location), 2)
    factories.roll_back(factories.fresh(location), 1)

    restored, rollback = plain(viewer, f"{here}deploys/1/"), plain(viewer, f"{here}deploys/{first.number}/")

    assert "Restored by #5 , #3" in restored
    assert "Rollback to #1" in rollback
    assert "New pushes were held from" in rollback
    assert f"until {Hold.objects.get(pk=hold.pk).released_by_name} resumed" in rollback
    assert "New pushes are stored and not activated, since" in plain(viewer, f"{here}deploys/5/")


def test_leads_to_what_tried_it_again_and_to_what_made_place_for_it(location: CodeLocation, here: str, viewer: Client):
    older = factories.push(location, scenes.files(3))
    newer = factories.push(location, scenes.files(4))
    Deploy.objects.filter(pk=older.pk).update(status="SUPERSEDED", superseded_by=newer, finished_at=timezone.now())
    operations.cancel(deploy=newer, actor=factories.superuser(), now=timezone.now())
    again = operations.retry(deploy=Deploy.objects.get(pk=older.pk), actor=factories.superuser(), now=timezone.now())

    assert f"Superseded by #4 Retried by #{again.number}" in plain(viewer, f"{here}deploys/3/")
    assert "Supersedes #3" in plain(viewer, f"{here}deploys/4/")
    assert "Retry of #3" in plain(viewer, f"{here}deploys/{again.number}/")


def test_shows_what_the_push_said_of_itself_as_text(location: CodeLocation, here: str, viewer: Client):
    location.deploys.filter(number=2).update(metadata={"<b>run": "<i>", "tests": {"passed": 4}})

    page = viewer.get(f"{here}deploys/2/").content.decode()

    assert "<b>run" not in page
    assert "&lt;b&gt;run" in page
    assert "{&quot;passed&quot;: 4}" in page
    assert 'data-copy="json-push"' in page


def test_has_the_description_edited_where_it_is_read(location: CodeLocation, here: str, editor: Client):
    page = editor.get(f"{here}deploys/2/").content.decode()

    assert page.index("Second") < page.index("Edit the description") < page.index('id="timeline"')
    assert "Edit the description" not in editor.get(f"{here}deploys/2/live/", headers=HTMX).content.decode()


def test_shows_the_log_first_while_it_runs_or_when_it_failed(location: CodeLocation, here: str, viewer: Client):
    running(location)
    under_way = viewer.get(f"{here}deploys/3/").content.decode()
    went_well = viewer.get(f"{here}deploys/2/").content.decode()

    assert under_way.index('id="log-title"') < under_way.index('id="changes-title"')
    assert went_well.index('id="log-title"') > went_well.index('id="parts-title"')


def test_of_a_rollback_costs_no_more(location: CodeLocation, here: str, viewer: Client):
    factories.roll_back(location, 1)
    viewer.get("/")

    queries, _ = cost(viewer, f"{here}deploys/3/")

    assert queries <= MOST_QUERIES
