"""What a Dagster shows of a location, without where its release happens to lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.platforms.dagster import DagsterPlatform
from deployments.platforms.dagster_paths import NOWHERE, anywhere_below, below, placeless
from tests.platforms.dagster_schemas import V1_9, OfAnAge
from tests.platforms.http_server import HttpServer

ROOTS = ["/srv/orders/releases/*", "/srv/orders/current"]


def told(value: str) -> str:
    return placeless({"key": value}, anywhere_below(ROOTS))["key"]


@pytest.mark.parametrize("place", ["/srv/orders/releases/7-ab12", "/srv/orders/releases/8", "/srv/orders/current"])
@pytest.mark.parametrize(
    ("value", "placed"),
    [
        ("{}", "{{release}}"),
        ("{}/", "{{release}}/"),
        ("{}/.venv/bin/python", "{{release}}/.venv/bin/python"),
        ("python -m dagster -f {}/defs.py -d {}", "python -m dagster -f {{release}}/defs.py -d {{release}}"),
        ("PYTHONPATH={}/src:{}:/usr/lib", "PYTHONPATH={{release}}/src:{{release}}:/usr/lib"),
        ("file://{}/defs.py", "file://{{release}}/defs.py"),
        ("[{}, '{}', \"{}\"]", "[{{release}}, '{{release}}', \"{{release}}\"]"),
        ("({}/a)", "({{release}}/a)"),
    ],
)
def test_tells_the_same_wherever_the_release_lies(place: str, value: str, placed: str) -> None:
    assert told(value.replace("{}", place)) == placed.replace("{{release}}", "{release}")


@pytest.mark.parametrize(
    "value",
    [
        "/srv/orders/releases",
        "/srv/orders/releases/",
        "/srv/orders/currently/defs.py",
        "/mnt/srv/orders/current/defs.py",
        "../srv/orders/current",
        "~/srv/orders/current",
        "x/srv/orders/current",
        "//srv/orders/current",
        "/srv/billing/releases/7-ab12",
        "orders/current",
        "",
    ],
)
def test_leaves_other_paths_as_they_are(value: str) -> None:
    assert told(value) == value


def test_leaves_the_versions_of_libraries_as_they_are() -> None:
    metadata = {"library/orders": "/srv/orders/current", "image": "/srv/orders/current"}

    assert placeless(metadata, anywhere_below(ROOTS)) == {**metadata, "image": "{release}"}


@pytest.mark.parametrize("roots", [[], [""], ["/"]])
def test_without_roots_nothing_is_a_release(roots: list[str]) -> None:
    assert anywhere_below(roots) is NOWHERE
    assert below(roots) is NOWHERE


@given(st.text("/srvodecu .-:=", max_size=40), st.sampled_from(["7-ab", "8", "0f.3"]))
def test_a_text_around_a_path_stays_what_it_is(text: str, name: str) -> None:
    value = f"{text} /srv/orders/releases/{name} {text}"

    assert told(value) == f"{told(text)} {{release}} {told(text)}"


def test_reports_where_the_code_lies_with_and_without_its_place() -> None:
    roots = ["/srv/orders/releases/*", "/srv/billing/releases/*"]
    with HttpServer(OfAnAge(V1_9)).running() as server, DagsterPlatform(server.url, roots=roots) as dagster:
        reports = [dagster.report("orders"), dagster.report("billing")]

    assert reports[0] is not None
    assert reports[0].metadata == {"working_directory": "/srv/orders/releases/7-ab", "library/dagster": "1.9.13"}
    assert reports[0].placeless == {"working_directory": "{release}", "library/dagster": "1.9.13"}
    # One that failed to load tells it too.
    assert reports[1] is not None
    assert reports[1].placeless == {"working_directory": "{release}"}
