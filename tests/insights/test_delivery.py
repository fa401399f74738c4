"""What is made of plain rows: …"""

import pytest

from deployments.delivery import Ended, Failure, Left, Tally, by_location, judged, quantile
from tests.insights.rows import plain


def told(rows: list[Ended], *left: Left) -> tuple[list[int], dict[int, tuple[int | None, float | None]]]:
    """Answer the numbers of what went live, and of each failure what restored it after how many seconds."""
    found = list(judged(rows, left))
    failures = [each for each in found if isinstance(each, Failure)]
    assert len({each.change.number for each in failures}) == len(failures)
    return (
        [each.number for each in found if isinstance(each, Ended)],
        {each.change.number: (each.restored and each.restored.number, each.seconds) for each in failures},
    )


def rollback(number: int, to: int, **said: object) -> Ended:
    """Answer a rollback to a push's release."""
    return plain(number, kind="rollback", release=to, **said)


def test_pushes_and_observed_deploys_are_changes_and_rollbacks_are_none():
    rows = [plain(1), plain(2, kind="observed", placed=None), rollback(3, 1), plain(4, kind="settings")]

    assert told(rows, Left("code-2", 3, 3, blamed=False)) == ([1, 2, 4], {})


def test_what_was_there_at_the_first_look_is_no_change():
    assert told([plain(1, kind="observed", placed=None), plain(2)]) == ([2], {})


def test_what_failed_in_place_is_restored_by_the_next_that_goes_live():
    rows = [plain(1), plain(2, "FAILED"), plain(3, "FAILED"), plain(4, seq=2)]

    assert told(rows) == ([1, 4], {2: (4, 201), 3: (4, 101)})


def test_a_retry_of_the_same_release_restores_what_failed_too():
    rows = [plain(1), plain(2, "FAILED"), plain(3, release=2, seq=2)]

    assert told(rows) == ([1, 3], {2: (3, 101)})


def test_what_nothing_followed_is_open():
    assert told([plain(1), plain(2, "FAILED")]) == ([1], {2: (None, None)})


def test_a_rollback_fails_the_change_whose_code_it_left():
    rows = [plain(1), plain(2), rollback(3, 1)]

    assert told(rows, Left("code-2", 3, 3)) == ([1, 2], {2: (3, 101)})


def test_a_fix_that_came_before_the_rollback_was_asked_for_restores():
    rows = [plain(1), plain(2), plain(3), rollback(4, 1)]

    assert told(rows, Left("code-2", 4, 4), Left("code-3", 4, 4)) == ([1, 2, 3], {2: (3, 101), 3: (4, 101)})


def test_blame_that_was_lifted_fails_nothing():
    rows = [plain(1), plain(2), rollback(3, 1), rollback(4, 2)]
    left = [Left("code-2", 3, 3, blamed=False), Left("code-1", 4, 4)]

    assert told(rows, *left) == ([1, 2], {1: (2, 101)})


def test_of_several_changes_with_the_code_that_was_left_the_newest_failed():
    rows = [plain(1), plain(2), plain(3, release=13, code="code-2"), rollback(4, 1)]

    assert told(rows, Left("code-2", 4, 4)) == ([1, 2, 3], {3: (4, 101)})


def test_the_same_code_that_comes_again_afterwards_is_another_matter():
    rows = [plain(1), plain(2), rollback(3, 1), plain(4, kind="observed", code="code-2", placed=None)]

    assert told(rows, Left("code-2", 3, 3)) == ([1, 2, 4], {2: (3, 101)})


def test_blamed_code_that_comes_again_and_is_left_again_fails_twice():
    again = plain(4, kind="observed", code="code-2", placed=None)
    rows = [plain(1), plain(2), rollback(3, 1), again, rollback(5, 1)]

    assert told(rows, Left("code-2", 3, 3)) == ([1, 2, 4], {2: (3, 101), 4: (5, 100)})


def test_what_failed_in_place_and_was_rolled_back_from_failed_once():
    rows = [plain(1), plain(2), plain(3, "FAILED", code="code-2"), rollback(4, 1, seq=3)]

    assert told(rows, Left("code-2", 4, 3)) == ([1, 2], {3: (4, 101)})


def test_what_a_rollback_overtook_in_place_failed():
    rows = [plain(1), plain(2, "SUPERSEDED"), rollback(3, 1, seq=2)]

    assert told(rows, Left("code-2", 3, 2)) == ([1], {2: (3, 101)})


def test_what_errored_in_place_failed_only_if_a_rollback_left_it():
    rows = [plain(1), plain(2, "ERRORED"), rollback(3, 1, seq=2)]

    assert told(rows) == ([1], {})
    assert told(rows, Left("code-2", 3, 2)) == ([1], {2: (3, 101)})


def test_a_rollback_of_settings_alone_fails_what_was_live():
    rows = [plain(1, code="same"), plain(2, code="same", kind="settings"), rollback(3, 1, code="same")]

    assert told(rows) == ([1, 2], {2: (3, 101)})


def test_a_rollback_to_what_is_live_already_fails_nothing():
    rows = [plain(1), plain(2, "FAILED"), rollback(3, 1, seq=2)]

    assert told(rows, Left("code-2", 3, 2)) == ([1], {2: (3, 101)})


def test_a_rollback_that_failed_is_no_change():
    assert told([plain(1), plain(2), rollback(3, 1, status="FAILED", seq=None)]) == ([1, 2], {})


def test_the_order_is_that_of_going_live_whatever_clocks_did():
    live = [plain(1, at=1000), plain(2, at=1100), rollback(3, 1, at=500), plain(4, at=600)]

    found = [told(list(rows), Left("code-2", 3, 3)) for _, rows in by_location(live, [])]

    assert found == [([1, 2, 4], {2: (3, 0)})]


def test_code_locations_are_looked_at_one_by_one():
    live = [plain(1), plain(2), plain(1, location=2), plain(3, location=2, seq=2)]
    others = [plain(3, "FAILED"), plain(2, "FAILED", location=2)]

    found = {location: told(list(rows)) for location, rows in by_location(live, others)}

    assert found == {1: ([1, 2], {3: (None, None)}), 2: ([1, 3], {2: (3, 101)})}


@pytest.mark.parametrize(
    ("committed", "seconds"),
    [
        ("2026-11-21T12:00:00Z", 3600),
        ("2026-11-21T14:00:00+02:00", 3600),
        ("2026-11-21T13:00:00Z", 0),
        ("2026-11-21T13:00:01Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_lead_time_is_from_commit_to_live(committed: str | None, seconds: float | None):
    one_o_clock = 1_795_266_000.0

    assert plain(1, at=one_o_clock, committed=committed).lead_time == seconds


@pytest.mark.parametrize(
    ("values", "median", "most"),
    [([], None, None), ([7], 7, 7), ([3, 1], 2, 2.8), ([1, 2, 3, 4, 5], 3, 4.6), (range(11), 5, 9)],
)
def test_quantiles_lie_between_values_in_proportion(values: list[float], median: float | None, most: float | None):
    assert quantile(values, 0.5) == median
    assert quantile(values, 0.9) == (most if most is None else pytest.approx(most))


def test_a_tally_counts_what_went_live_and_what_failed():
    tally = Tally()
    for each in judged(
        [
            plain(1),
            plain(2),
            rollback(3, 1),
            plain(4, "FAILED"),
            plain(5, kind="observed", placed=None),
            plain(6, "FAILED"),
        ],
        [Left("code-2", 3, 3)],
    ):
        tally.add(each)

    assert (tally.live, tally.observed, tally.rolled_back, tally.failed, tally.open) == (3, 1, 1, 2, 1)
    assert (tally.changes, tally.failures, tally.failure_rate) == (5, 3, 0.6)
    assert (list(tally.restores), tally.undated) == ([101, 101], 3)
    assert Tally().failure_rate is None
