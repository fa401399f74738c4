"""Does Airflow serve what was put in place? It reads files by itself, one by one, and is asked until all of them are read."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from deployments.platforms.airflow_asking import MOST_PUTS, ask_to_read, processor_trouble, put, tokens_of_hidden
from deployments.platforms.airflow_bundle import Broken, Dag, Seen, look
from deployments.platforms.airflow_errors import lines_shown, load_error
from deployments.platforms.airflow_http import NOT_ALLOWED, AirflowEndpoint
from deployments.platforms.airflow_memory import Memory, Suspect
from deployments.platforms.airflow_reading import REDACTED, sha256_of, source_of
from deployments.platforms.base import Convergence, Expected, ExpectedFile, PlatformRefused

ASK_AGAIN = timedelta(seconds=5)  # now and then a request gets lost: the file was being parsed at that moment
# The processor may have been reading the file, or what it imports, of before when the release was placed: its error
# comes a moment late. Where the file can be asked for, it is, and its next error counts.
BELIEVED = timedelta(seconds=2)  # where it cannot
BELIEVED_UNSEEN = timedelta(seconds=10)  # the same, where the trace shows no line of the file
BELIEVED_AT_LAST = timedelta(seconds=60)  # where it was asked for, and not read again
DEFINES_NONE = timedelta(seconds=5)  # without any progress
# The same of a file that once had DAGs: no import is let take longer than 50 s, unless Airflow was told otherwise.
DEFINES_NONE_ANY_MORE = timedelta(seconds=60)
# Airflow's answers tell whole seconds of its clock, looked at once in a second.
CLOCK_TOLD_LATE = timedelta(seconds=2)
MOST_SOURCES = 50  # asked for at once; the next question goes on
MOST_TEXTS = 200
NAMED = 3


class Converging:
    """One question of how far Airflow is with what was expected."""

    def __init__(
        self, airflow: AirflowEndpoint, bundle: str, expected: Expected, seen: Mapping[str, Any], *, now: datetime
    ) -> None:
        self._airflow = airflow
        self._bundle = bundle
        self._expected = expected
        self._memory = Memory.of(seen)
        self._now = now
        self._served: dict[str, str] = {}  # files that have DAGs, and their tokens
        self._placed_at = expected.placed_at  # by Airflow's clock, once that is known

    def answer(self) -> Convergence:
        """Say how far it is, and have it read again when that is due. Raises PlatformRefused and PlatformUnreachable."""
        told = look(self._airflow, self._bundle)
        self._placed_at = self._placed_there()
        dags = [dag for dag in told.staying() if dag.file]
        self._served = {dag.file: dag.token for dag in dags}
        errors = [broken for broken in told.errors if self._file(broken.file) is not None]
        fresh = [broken for broken in errors if broken.at is None or broken.at >= self._placed_at]
        old = [broken for broken in errors if broken not in fresh]
        undefined = self._undefined(dags, errors)
        self._find_hidden([*(self._path(broken.file) for broken in errors), *undefined])
        new = self._note_errors(fresh)
        if any(self._is_believed(broken) for broken in fresh):
            return self._broken([each for each in fresh if self._shows_its_lines(each) is not False] or fresh)
        late = self._late(dags)
        self._note_progress(told, dags, len(late) + len(errors))
        waiting = (
            processor_trouble(self._airflow) or self._late_words(late, fresh, old) or self._undefined_words(undefined)
        )
        if not waiting:
            return self._answer(True, self._served_words(dags))
        self._have_read(self._tokens(new), self._tokens([*fresh, *old], late, undefined), dags)
        return self._answer(None, waiting)

    def _answer(self, done: bool | None, words: str, broken: list[Broken] | None = None) -> Convergence:
        error = load_error(broken) if broken else None
        return Convergence(done, words, error, {} if done is not None else self._memory.plain())

    def _placed_there(self) -> datetime:
        """Answer when the release was placed by Airflow's clock: as ours, unless its answers contradict that."""
        lead = self._airflow.its_time(self._now) - self._now
        known = self._memory.lead
        self._memory.lead = lead if known is None else max(lead, known)
        # A second too early, and what was read just before the release is taken for read since.
        is_ours = -CLOCK_TOLD_LATE <= self._memory.lead <= timedelta()
        age = (self._expected.asked_at or self._now) - self._expected.placed_at
        return self._now + (timedelta() if is_ours else self._memory.lead) - age

    # What could not be imported

    def _broken(self, broken: list[Broken]) -> Convergence:
        return self._answer(False, _broken_words(broken), broken)

    def _note_errors(self, fresh: list[Broken]) -> list[Broken]:
        """Remember the errors that came since the release was placed, and answer those that are new to us."""
        known = self._memory.errors
        self._memory.errors = {broken.file: known.get(broken.file, Suspect(self._now, broken.at)) for broken in fresh}
        return [broken for broken in fresh if broken.file not in known]

    def _is_believed(self, broken: Broken) -> bool:
        """Say whether it is of this release: it may come from a parse that was under way when that was placed."""
        known = self._memory.errors[broken.file]
        if broken.at != known.at:
            return True  # read again after a parse that ended later than that: this one began later, too
        shown, waited = self._shows_its_lines(broken), self._now - known.since
        if shown is False:
            return False
        if self._token(self._path(broken.file)):
            return waited >= BELIEVED_AT_LAST
        return waited >= (BELIEVED if shown else BELIEVED_UNSEEN)

    def _shows_its_lines(self, broken: Broken) -> bool | None:
        file = self._file(broken.file)
        return _shows_lines_of(broken, file) if file else None

    # What is served

    def _late(self, dags: list[Dag]) -> list[Dag]:
        """Answer the DAGs that are not, or not yet known to be, as this release has them."""
        if any(dag.bundle_version for dag in dags):
            release = self._expected.release
            return [dag for dag in dags if dag.bundle_version != release or self._was_under_way(dag)]
        self._compare(dags)
        return [dag for dag in dags if dag.file not in self._memory.confirmed]

    def _was_read_since(self, dag: Dag) -> bool:
        return dag.parsed_at is not None and dag.parsed_at >= self._placed_at and not self._was_under_way(dag)

    def _was_under_way(self, dag: Dag) -> bool:
        """Say whether its parse began before the release was there, and ended after: nobody knows what it read."""
        if dag.began_at is None or dag.parsed_at is None:
            return False
        return dag.began_at < self._placed_at <= dag.parsed_at

    def _compare(self, dags: list[Dag]) -> None:
        """Compare the text of files that were read since, as Airflow has it: one DAG for each, and each parse once."""
        by_file: dict[str, Dag] = {}
        for dag in dags:
            known = by_file.get(dag.file)
            if known is None or str(dag.parsed_at) > str(known.parsed_at):
                by_file[dag.file] = dag
        left = MOST_SOURCES
        for name, dag in by_file.items():
            file = self._file(name)
            parse = str(dag.parsed_at)
            if file is None or name in self._memory.confirmed or self._memory.compared.get(name) == parse or not left:
                continue
            if not self._was_read_since(dag):
                continue  # its text may be the release's: what it imports may be not
            left -= 1
            if self._is_text_of(dag, file):
                self._memory.confirmed.add(name)
                self._memory.compared.pop(name, None)
            else:
                self._memory.compared[name] = parse

    def _is_text_of(self, dag: Dag, file: ExpectedFile) -> bool:
        text = "" if file.path.endswith(".zip") else source_of(self._airflow, dag.dag_id)
        if text is None:
            return False
        if file.path.endswith(".zip") or text.startswith(REDACTED):
            return True  # no text to compare: that it was read since is all that can be known
        # Airflow reads files as text, which makes all ends of lines alike.
        return sha256_of(text) == file.sha256 or text == file.text().replace("\r\n", "\n").replace("\r", "\n")

    def _file(self, name: str) -> ExpectedFile | None:
        """Answer the release's file in which that of Airflow's is: itself, or the zip around it."""
        files = self._expected.files
        if name.startswith("/"):
            # Airflow 3.0 tells whole paths, and no DAG tells where the bundle's folder ends.
            name = max((path for path in files if name.endswith(f"/{path}")), key=len, default=name)
        return files.get(name) or files.get(name.partition(".zip/")[0] + ".zip")

    def _path(self, name: str) -> str:
        file = self._file(name)
        return file.path if file else name

    # What is not there yet

    def _undefined(self, dags: list[Dag], errors: list[Broken]) -> list[str]:
        """Answer the files that may define DAGs, of which Airflow shows none, and no error either."""
        known = {dag.file for dag in dags} | {self._path(broken.file) for broken in errors} | self._memory.no_dags
        unknown = [file for path, file in self._expected.files.items() if path.endswith(".py") and path not in known]
        for file in unknown[:MOST_TEXTS]:
            if not _looks_like_dags(file.text()):
                self._memory.no_dags.add(file.path)
        return [file.path for file in unknown if file.path not in self._memory.no_dags]

    def _undefined_words(self, undefined: list[str]) -> str:
        """Say which files may still come to define DAGs, or nothing once none of them does."""
        moved_at, hidden = self._memory.moved_at, self._memory.hidden
        rested = self._now - moved_at if moved_at else timedelta(-1)
        waited_for = [
            path for path in undefined if rested < (DEFINES_NONE_ANY_MORE if hidden.get(path) else DEFINES_NONE)
        ]
        return f"{_names(waited_for)} may define DAGs, and Airflow shows none of it yet." if waited_for else ""

    def _find_hidden(self, paths: Iterable[str]) -> None:
        """Look up which of these files once had DAGs: these are stale now, and a list of all is long."""
        hidden = self._memory.hidden
        if wanted := set(paths) - self._served.keys() - hidden.keys():
            found = tokens_of_hidden(self._airflow, self._bundle)
            hidden.update({path: found.get(path, "") for path in wanted})

    def _note_progress(self, told: Seen, dags: list[Dag], left: int) -> None:
        """Note when Airflow was last seen to come nearer: since then, everything that it reads is counted on."""
        memory, placed_at = self._memory, self._placed_at
        times = [dag.parsed_at for dag in dags] + [broken.at for broken in told.errors]
        has_looked = any(at is not None and at >= placed_at for at in times)
        left += len(self._expected.files) - len({dag.file for dag in dags} & self._expected.files.keys())
        if has_looked and (memory.moved_at is None or left < memory.left):
            memory.moved_at, memory.left = self._now, left

    def _token(self, path: str) -> str:
        return self._served.get(path) or self._memory.hidden.get(path, "")

    def _tokens(self, broken: list[Broken], late: Iterable[Dag] = (), undefined: Iterable[str] = ()) -> list[str]:
        """Answer the tokens of these files, each once, as far as they have one: broken ones first."""
        paths = [*(self._path(each.file) for each in broken), *undefined]
        found = [self._token(path) for path in paths]
        return [token for token in dict.fromkeys([*found, *(dag.token for dag in late)]) if token]

    def _have_read(self, urgent: list[str], tokens: list[str], dags: list[Dag]) -> None:
        """Have the urgent files read now, and all of these if the last time was a while ago."""
        memory = self._memory
        # Whoever asks how far it is for the first time has just asked for all of it.
        is_due = memory.asked_at is not None and self._now - memory.asked_at >= ASK_AGAIN
        if is_due or memory.asked_at is None:
            memory.asked_at = self._now
        try:
            if not is_due:
                put(self._airflow, urgent)
                return
            memory.asked += 1
            # Those that came last in the last round come first in this one.
            tokens = tokens or [dag.token for dag in dags[:1]]
            start = (memory.asked - 1) * MOST_PUTS % max(len(tokens), 1) if len(tokens) > MOST_PUTS else 0
            if not put(self._airflow, tokens[start:] + tokens[:start]):
                ask_to_read(self._airflow, self._bundle)
        except PlatformRefused as refused:
            if refused.code != NOT_ALLOWED:
                raise  # else it reads by itself, later

    # How it is said

    def _served_words(self, dags: list[Dag]) -> str:
        said = (
            f"Airflow serves this release: {_count(len(dags), 'DAG')} of {_count(len({d.file for d in dags}), 'file')}."
        )
        if any(dag.bundle_version for dag in dags):
            return f"{said} Each is at bundle version {self._expected.release}."
        return said

    def _late_words(self, late: list[Dag], fresh: list[Broken], old: list[Broken]) -> str:
        if fresh:
            return f"{_names([broken.file for broken in fresh])} could not be imported: Airflow is asked once more."
        if old:
            return f"{_names([broken.file for broken in old])} could not be imported before: to be read again."
        if gone := [dag.dag_id for dag in late if self._file(dag.file) is None]:
            return f"{_names(gone)} of files that this release does not have: Airflow still shows them."
        if late:
            return f"Airflow has not read all of this release yet: {_names([dag.dag_id for dag in late])} to come."
        return ""


def _shows_lines_of(broken: Broken, file: ExpectedFile) -> bool | None:
    """Say whether the trace shows a line of the file as it is in the release; None when nobody can tell."""
    shown = lines_shown(broken)
    lines = file.text().splitlines() if shown else []
    if not lines:
        return None
    return any(number <= len(lines) and lines[number - 1].strip() == text for number, text in shown)


def _broken_words(broken: list[Broken]) -> str:
    count = _count(len(broken), "file")
    return f"{count} of this release could not be imported: {load_error(broken).chain[0]['message'][:300].rstrip('.')}."


def _looks_like_dags(text: str) -> bool:
    """Say whether Airflow would parse a file of this text at all."""
    lowered = text.lower()
    return "dag" in lowered and "airflow" in lowered


def _names(names: list[str]) -> str:
    named = ", ".join(sorted(set(names))[:NAMED])
    more = len(set(names)) - NAMED
    return f"{named} and {more} more" if more > 0 else named


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
