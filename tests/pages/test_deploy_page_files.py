"""The files of a deploy …"""

import random
from urllib.parse import quote

import pytest
from django.test import Client

from deployments.bundles import browsing, comparing, texts
from deployments.models import Blob, Bundle, CodeLocation, Deployment
from tests import factories
from tests.pages import scenes
from tests.pages.test_budget import MOST_QUERIES, cost
from tests.store.bytes import damage

pytestmark = pytest.mark.django_db

MARKUP = "<script>alert(1)</script>\n<img src=x onerror=alert(1)>\n"
HOSTILE = ["..", "../definitions.py", "/etc/passwd", "shop/../definitions.py", "./definitions.py", "shop//orders.py",
           "shop/", "SHOP", "definitions.py\0", "\0", "%2e%2e", "..\\..", "C:\\", "\u202ea.py", "Ω" * 900]  # fmt: skip


def words(browser: Client, address: str, status: int = 200) -> str:
    """Answer a page with its white space made one."""
    answer = browser.get(address)
    assert answer.status_code == status, (address, answer.status_code)
    return " ".join(answer.content.decode().split())


def ship(location: CodeLocation, *trees: dict[str, bytes]) -> str:
    """Deploy these trees one after the other, and answer the address of the last one's files."""
    for tree in trees:
        made = factories.deploy(factories.fresh(location), tree)
    return f"{location.get_absolute_url()}deploys/{made.number}/"


def test_are_listed_a_folder_at_a_time_with_what_changed_in_each(location: CodeLocation, here: str, viewer: Client):
    files = scenes.files(2)
    del files["shop/customers.py"]
    url = ship(location, files | {"shop/new/a.py": b"1", "README.md": b"x"})

    mounts = words(viewer, f"{url}files/")
    top = words(viewer, f"{url}files/?mount=dags")
    shop = words(viewer, f"{url}files/?mount=dags&path=shop")

    assert "5 files" in mounts
    assert "0 changed" in mounts
    assert "2 added" in mounts
    assert "1 removed" in mounts
    assert top.index(">shop<") < top.index(">README.md<") < top.index(">definitions.py<")
    assert '<span class="n added">1 added</span><span class="n removed">1 removed</span>' in top.replace("> <", "><")
    assert "orders.py" not in top
    assert '<span class="tag added">added</span>' in top
    assert '<span class="file gone">customers.py</span> <span class="tag removed">removed</span>' in shop
    assert "file/diff/?mount=dags&amp;path=shop%2Fcustomers.py" in shop
    assert "file/?mount=dags&amp;path=shop%2Forders.py" in shop


def test_are_shown_with_a_number_at_each_line_to_point_at(location: CodeLocation, here: str, viewer: Client):
    page = words(viewer, f"{here}deploys/2/file/?mount=dags&path=shop/orders.py")

    assert '<li id="L1"><a href="#L1">1</a><code># orders, version 2</code></li>' in page
    assert "file/diff/?mount=dags&amp;path=shop%2Forders.py" in page
    assert "file/raw/?mount=dags&amp;path=shop%2Forders.py" in page
    # What did not change has nothing to compare.
    assert "file/diff/" not in words(viewer, f"{here}deploys/2/file/?mount=dags&path=shop/customers.py")


def test_are_compared_with_what_was_live_before_by_signs_and_words(location: CodeLocation, here: str, viewer: Client):
    page = words(viewer, f"{here}deploys/2/file/diff/?mount=dags&path=shop/orders.py")

    assert "against <a" in page
    assert 'deploys/1/">#1</a>, live before' in page
    gone, new = page.index("# orders, version 1"), page.index("# orders, version 2")
    assert gone < new
    assert '−<span class="hidden">removed</span>' in page[:gone]
    assert '+<span class="hidden">added</span>' in page[gone:new]
    assert "1 line added" in page
    assert "It is the same file as in #1." in words(
        viewer, f"{here}deploys/2/file/diff/?mount=dags&path=shop/customers.py"
    )


def test_that_came_or_went_are_compared_with_nothing(location: CodeLocation, here: str, viewer: Client):
    url = ship(location, {"new.py": b"a = 1\n"})

    new = words(viewer, f"{url}file/diff/?mount=dags&path=new.py")
    gone = words(viewer, f"{url}file/diff/?mount=dags&path=definitions.py")

    assert ">added</span>" in new
    assert "@@ −0,0 +1,1 @@" in new
    assert ">removed</span>" in gone
    assert "VERSION = 2" in gone
    # It is not in this release: there is no file to show or to download.
    assert "file/raw/" not in gone
    assert viewer.get(f"{url}file/?mount=dags&path=definitions.py").status_code == 404


def test_of_a_first_deploy_say_that_there_is_nothing_to_compare(location: CodeLocation, here: str, viewer: Client):
    page = words(viewer, f"{here}deploys/1/file/diff/?mount=dags&path=definitions.py")

    assert "Nothing was live before, so there is nothing to compare." in page


def test_of_a_push_that_waits_are_shown_before_there_is_a_release(location: CodeLocation, here: str, viewer: Client):
    factories.push(location, scenes.files(3))

    page = words(viewer, f"{here}deploys/3/file/diff/?mount=dags&path=shop/orders.py")

    assert "# orders, version 3" in page
    assert 'deploys/2/">#2</a>, live now' in page


@pytest.mark.parametrize("page", ["files/", "file/", "file/diff/", "file/raw/"])
def test_are_found_by_their_exact_path_alone(page: str, location: CodeLocation, here: str, viewer: Client):
    for path in HOSTILE:
        answer = viewer.get(f"{here}deploys/2/{page}?mount=dags&path={quote(path)}")
        assert answer.status_code == 404, path
    for mount in ("../dags", "dags/", "DAGS", "dags\0", "etc"):
        answer = viewer.get(f"{here}deploys/2/{page}?mount={quote(mount)}&path=definitions.py")
        assert answer.status_code == 404, mount
    for start in ("-1", "x", "²", "9" * 30, "200"):
        assert viewer.get(f"{here}deploys/2/files/?mount=dags&start={quote(start)}").status_code == 404, start


def test_stay_text_whatever_they_are_called_and_hold(location: CodeLocation, here: str, viewer: Client):
    name = '<img src=x onerror="alert(1)">&amp;.html'
    url = ship(location, {name: b"1\n"}, {name: MARKUP.encode(), "folder & co/a?b#c.py": b"x\n"})
    asked = quote(name, safe="")

    pages = [
        words(viewer, url),
        words(viewer, f"{url}files/"),
        words(viewer, f"{url}files/?mount=dags"),
        words(viewer, f"{url}file/?mount=dags&path={asked}"),
        words(viewer, f"{url}file/diff/?mount=dags&path={asked}"),
    ]
    raw = viewer.get(f"{url}file/raw/?mount=dags&path={asked}")

    for page in pages:
        assert "<img src=x" not in page
        assert "<script>alert" not in page
        assert "&lt;img src=x" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in pages[3]
    assert b"".join(raw.streaming_content) == MARKUP.encode()
    assert raw["Content-Type"] == "application/octet-stream"
    assert raw["Content-Disposition"].startswith("attachment; ")
    assert raw["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in raw["Cache-Control"]
    assert f"file/?mount=dags&amp;path={quote('folder & co/a?b#c.py', safe='')}" in words(
        viewer, f"{url}files/?mount=dags&path={quote('folder & co')}"
    )


def test_show_what_hides_in_them(location: CodeLocation, here: str, viewer: Client):
    tricky = "if admin:  # \u202e safe \u2066\n\x1b[2Jgone\r\n"
    url = ship(location, {"a.py": tricky.encode(), "win.py": b"x = 1\r\n"})

    page = words(viewer, f"{url}file/?mount=dags&path=a.py")

    assert "\u202e" not in page
    assert "⟨Right-To-Left Override⟩" in page
    assert "␛[2Jgone</code>" in page
    assert "marks that change the direction" in page
    assert "marks that change the direction" not in words(viewer, f"{url}file/?mount=dags&path=win.py")


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("\u200b", "⟨Zero Width Space⟩"),
        ("\u2028", "⟨Line Separator⟩"),
        ("\u3164", "⟨Hangul Filler⟩"),
        ("\U000e0061", "⟨Tag Latin Small Letter A⟩"),
        ("\U000e0002", "⟨U+E0002⟩"),
    ],
)
def test_show_what_nobody_sees(mark: str, told: str, location: CodeLocation, here: str, viewer: Client):
    url = ship(location, {"a.py": f"# note{mark}import os\n".encode()})

    page = viewer.get(f"{url}file/?mount=dags&path=a.py").text

    assert mark not in page
    assert f"<code># note{told}import os</code>" in page


def test_show_what_hides_in_their_names(location: CodeLocation, here: str, viewer: Client):
    name = "in\u202e/gp\u200bj.py"
    url = ship(location, {name: b"a = 1\n", "b.py": b""})
    asked = f"mount=dags&path={quote(name)}"

    pages = [viewer.get(f"{url}{page}").text for page in ("", "files/", f"file/?{asked}", f"file/diff/?{asked}")]
    pages += [
        viewer.get(f"{url}files/?mount=dags{folder}", headers=headers).text
        for folder in ("", f"&path={quote(name.partition('/')[0])}")
        for headers in ({}, {"HX-Request": "true"})
    ]

    assert [page for page in pages if "\u202e" in page or "\u200b" in page] == []
    assert "gp⟨Zero Width Space⟩j.py" in pages[2]


def test_that_are_binary_or_too_large_say_so(location: CodeLocation, here: str, viewer: Client):
    tree = {
        "model.pkl": b"\x80\x04\0\0",
        "latin.txt": b"caf\xe9\n",
        "large.csv": b"x" * (texts.MOST_BYTES + 1),
        "long.csv": b"1\n" * (texts.MOST_LINES + 1),
        "empty.py": b"",
        "wide.py": b"y" * 100_000,
    }
    url = ship(location, dict.fromkeys(tree, b"0"), tree)

    def shown(name: str, page: str = "file/") -> str:
        return words(viewer, f"{url}{page}?mount=dags&path={name}")

    for page in ("file/", "file/diff/"):
        assert "It is not text in UTF-8" in shown("model.pkl", page)
        assert "It is not text in UTF-8" in shown("latin.txt", page)
        assert "It is too large to be shown" in shown("large.csv", page)
        assert "It is too large to be shown" in shown("long.csv", page)
        assert "file/raw/?mount=dags&amp;path=long.csv" in shown("long.csv", page)
    assert "The file is empty." in shown("empty.py")
    assert len(shown("wide.py")) < 30_000


def test_that_are_damaged_are_not_shown(location: CodeLocation, here: str, viewer: Client):
    damage(b"# orders, version 2\n")

    for page in ("file/", "file/diff/", "file/raw/"):
        shown = words(viewer, f"{here}deploys/2/{page}?mount=dags&path=shop/orders.py", 409)
        assert "The stored bytes of shop/orders.py are damaged" in shown
        assert "# orders" not in shown
        assert "# nrders" not in shown
    Blob.objects.update(storage_key="ab/gone")
    assert "are gone: upload them again" in words(viewer, f"{here}deploys/2/file/?mount=dags&path=definitions.py", 409)


def test_that_were_purged_say_when(location: CodeLocation, here: str, viewer: Client):
    scenes.purge(location.deploys.get(number=1))
    day = f"{location.deploys.get(number=1).release.purged_at:%Y-%m-%d}"
    purged = f"The files of #1 were purged on {day}: older than 90 days"

    for page in (
        "files/?mount=dags",
        "file/?mount=dags&path=definitions.py",
        "file/raw/?mount=dags&path=shop/orders.py",
    ):
        assert purged in words(viewer, f"{here}deploys/1/{page}", 409)
    assert purged in words(viewer, f"{here}deploys/1/files/")
    # Of what came after it, they cannot be compared any more.
    assert purged in words(viewer, f"{here}deploys/2/file/diff/?mount=dags&path=shop/orders.py")


def test_of_a_bundle_whose_manifest_is_gone_say_so_too(location: CodeLocation, here: str, viewer: Client):
    Bundle.objects.update(purged_at=factories.noon())

    assert "The files of dags of #2 were purged on 2026-11-21." in words(
        viewer, f"{here}deploys/2/files/?mount=dags", 409
    )
    assert "purged: not compared" in words(viewer, f"{here}deploys/2/files/")


def test_of_what_has_none_say_so(location: CodeLocation, here: str, viewer: Client):
    Deployment.objects.update(target="webhook")
    location.deploys.get(number=2).release.mounts.all().delete()

    assert "#2 has no files" in words(viewer, f"{here}deploys/2/files/")


def test_cost_the_same_however_many_there_are(location: CodeLocation, here: str, viewer: Client):
    many = {f"pkg/{number:05}.py": b"1" for number in range(3_000)}
    url = ship(location, many, many | {"pkg/00001.py": b"2", "pkg/zz.py": b"3"})
    viewer.get("/")
    few, _ = cost(viewer, f"{here}deploys/2/files/?mount=dags&path=shop")

    for page in ("files/", "files/?mount=dags", "files/?mount=dags&path=pkg", "files/?mount=dags&path=pkg&start=2800"):
        queries, size = cost(viewer, url + page)
        assert queries <= few <= MOST_QUERIES, page
        assert size < 150_000, page
    assert cost(viewer, f"{url}file/diff/?mount=dags&path=pkg/00001.py")[0] <= MOST_QUERIES
    first = words(viewer, f"{url}files/?mount=dags&path=pkg")
    last = words(viewer, f"{url}files/?mount=dags&path=pkg&start=3000")
    assert first.count('class="leaf"') == browsing.MOST_CHILDREN
    assert "start=200" in first
    assert "zz.py" in last
    assert "start=2800" in last


def test_compare_large_texts_within_bounds():
    numbered = [f"line {number}" for number in range(5_000)]
    moved = [*numbered[:100], "new", *numbered[101:4_000], *numbered[4_500:]]
    # Each line of one side has many twins on the other, and none stands beside its own.
    tangled, others = ([f"x {n // 2 % 100}" if n % 2 else f"{side} {n}" for n in range(4_800)] for side in "ab")

    found = comparing.compare(numbered, moved)
    rewritten = comparing.compare(numbered, [f"other {number}" for number in range(5_000)])
    replaced = comparing.compare(tangled, others)

    assert (found.added, found.removed, len(found.hunks)) == (1, 501, 2)
    assert found.hunks[0].title == "@@ −98,7 +98,7 @@"
    assert (rewritten.added, rewritten.removed, rewritten.cut) == (5_000, 5_000, True)
    assert sum(len(hunk.lines) for hunk in rewritten.hunks) == comparing.MOST_SHOWN
    assert (replaced.tangled, replaced.added, replaced.removed) == (True, 4_799, 4_799)


@pytest.mark.parametrize("seed", range(20))
def test_compare_so_that_the_one_can_be_made_of_the_other(seed: int):
    chance = random.Random(seed)
    old, new = ([chance.choice("abcdef") for _ in range(chance.randrange(40))] for _ in range(2))

    made, at = [], 0
    for hunk in comparing.compare(old, new).hunks:
        for line in hunk.lines:
            known = line.old if line.old is not None else at + 1
            made += old[at : known - 1]
            at = known - 1 if line.old is None else known
            made += [line.text] if line.sign != "-" else []
            assert line.new is None or len(made) == line.new
    assert made + old[at:] == new


def test_show_what_a_file_was_when_only_its_end_differs(location: CodeLocation, here: str, viewer: Client):
    url = ship(location, {"a.py": b"a\n"}, {"a.py": b"a"})

    assert "only its executable bit, or how it begins or ends, differs" in words(
        viewer, f"{url}file/diff/?mount=dags&path=a.py"
    )
