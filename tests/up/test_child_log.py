"""A child's log is read as it grows, and stays small."""

import os
from pathlib import Path

from portal.child import ChildLog


def write(log: ChildLog, text: str) -> None:
    descriptor = log.open()
    os.write(descriptor, text.encode())
    os.close(descriptor)


def test_answers_whole_lines_once(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "web.log")

    write(log, "one\ntw")
    first = list(log.fresh_lines())
    write(log, "o\n")
    second = list(log.fresh_lines())

    assert (first, second, list(log.fresh_lines())) == (["one"], ["two"], [])


def test_does_not_repeat_what_an_earlier_run_wrote(tmp_path: Path) -> None:
    write(ChildLog(tmp_path / "web.log"), "yesterday\n")

    today = ChildLog(tmp_path / "web.log")
    write(today, "today\n")

    assert list(today.fresh_lines()) == ["today"]


def test_remembers_the_last_line_that_says_something(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "web.log")

    write(log, "ValueError: no port\n\n")
    list(log.fresh_lines())

    assert log.last_line == "ValueError: no port"


def test_moves_away_what_is_past_the_limit_while_the_child_writes_on(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "web.log", limit=100)
    child = log.open()

    os.write(child, b"old\n" * 50)
    list(log.fresh_lines())
    log.make_room()
    os.write(child, b"new\n")
    os.close(child)

    assert list(log.fresh_lines()) == ["new"]
    assert (tmp_path / "web.log").read_text() == "new\n"
    assert (tmp_path / "web.log.1").read_text() == "old\n" * 50


def test_reads_on_when_somebody_emptied_the_file(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "web.log")
    write(log, "a long line that is gone\n")
    list(log.fresh_lines())

    (tmp_path / "web.log").write_text("")
    write(log, "short\n")

    assert list(log.fresh_lines()) == ["short"]
