"""Whatever happens in a code location, what is judged in one walk is …

A model says the definitions once more, as slowly as it likes: it looks at every pair of rows.
"""

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.delivery import Ended, Failure, Left, judged
from tests.insights.rows import plain

KINDS = ["dags", "dags", "observed", "rollback"]
STATUSES = ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "FAILED", "ERRORED", "SUPERSEDED"]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Ended], list[Left]]:
    """Draw what ended in a code location, and what its rollbacks left."""
    rows: list[Ended] = []
    left: dict[tuple[str, int], Left] = {}
    seq = 0
    for number in range(1, draw(st.integers(1, 9)) + 1):
        status, kind = draw(st.sampled_from(STATUSES)), draw(st.sampled_from(KINDS))
        seq += status == "SUCCEEDED"
        release = draw(st.integers(1, 4))
        rows.append(
            plain(
                number,
                status,
                kind=kind,
                release=release,
                code=f"code-{release // 2}",
                seq=seq if status == "SUCCEEDED" else None,
            )
        )
        if kind == "rollback":
            for code in draw(st.sets(st.sampled_from(["code-0", "code-1", "code-2"]))):
                blamed = draw(st.booleans()) and not any(each.code == code and each.blamed for each in left.values())
                left[code, number] = Left(code, number, rows[-1].seq, blamed=blamed)
    return rows, list(left.values())


def is_change(row: Ended) -> bool:
    return row.kind != "rollback" and not (row.kind == "observed" and row.seq == 1)


def next_live(rows: list[Ended], after: Ended, *, other: bool) -> Ended | None:
    later = [row for row in rows[rows.index(after) + 1 :] if row.seq is not None]
    return next((row for row in later if not other or row.release != after.release), None)


def expected(rows: list[Ended], left: list[Left]) -> dict[int, int | None]:
    """Answer the numbers of the changes that failed, each with what restored it."""
    failed = {row: next_live(rows, row, other=False) for row in rows if is_change(row) and row.status == "FAILED"}
    for row, before in undone(rows, left):
        failed[before] = row
    for each in left:
        with_code = [row for row in rows if is_change(row) and row.code == each.code and came_before(row, each)]
        if each.blamed and with_code and with_code[-1] not in failed:
            failed[with_code[-1]] = next_live(rows, with_code[-1], other=True)
    return {row.number: by and by.number for row, by in failed.items()}


def undone(rows: list[Ended], left: list[Left]) -> list[tuple[Ended, Ended]]:
    """Answer the rollbacks that left no code, each with the change that it left."""
    live = [row for row in rows if row.seq is not None]
    return [
        (row, before)
        for before, row in itertools.pairwise(live)
        if row.kind == "rollback"
        and row.number not in {each.number for each in left}
        and is_change(before)
        and before.release != row.release
    ]


def came_before(row: Ended, each: Left) -> bool:
    return row.seq < each.seq if row.seq and each.seq else row.number < each.number


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_what_every_pair_of_rows_says(drawn: tuple[list[Ended], list[Left]]):
    rows, left = drawn

    found = list(judged(rows, left))

    failures = [each for each in found if isinstance(each, Failure)]
    told = {each.change.number: each.restored and each.restored.number for each in failures}
    assert len(told) == len(failures)
    assert told == expected(rows, left)
    assert [each for each in found if isinstance(each, Ended)] == [row for row in rows if is_change(row) and row.seq]
