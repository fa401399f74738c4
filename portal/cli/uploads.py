"""Bringing a directory's bytes to the portal: only those that it has not got."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial

from rich.filesize import decimal
from rich.progress import Progress

from .api import Document, Portal
from .exits import Stop
from .problems import NotUnderstood, Unanswered
from .terminal import notice, notices
from .tree import FileChanged, Tree, TreeFile

PARALLEL = 4
# A second round is for bytes that the portal cleaned away while we sent others.
ROUNDS = 3


class Incomplete(Stop):
    """The portal still lacks bytes that it was sent."""


def upload(portal: Portal, organization: str, mount: str, tree: Tree) -> str:
    """Return the digest of the tree as a complete bundle. Raises FileChanged, Incomplete, Unanswered."""
    body: Document = {"organization": organization, "files": tree.manifest()}
    for _ in range(ROUNDS):
        bundle = portal.write("/bundles/", body).document
        missing = _files(tree, portal.field(bundle, "missing"))
        if not missing:
            return str(portal.field(bundle, "digest"))
        size = decimal(sum(file.size for file in missing))
        files = "1 file" if len(tree.files) == 1 else f"{len(tree.files)} files"
        notice(f"{mount}: {files}, {len(missing)} to send ({size}).")
        _send_all(portal, organization, missing)
    raise Incomplete(f"{portal.url} still lacks files of {mount} that it was sent. Deploy again.")


def _files(tree: Tree, missing: object) -> list[TreeFile]:
    known = {file.sha256: file for file in tree.files}
    if not isinstance(missing, list) or not all(sha256 in known for sha256 in map(str, missing)):
        raise NotUnderstood("The portal asks for files that the bundle does not have. Report this.")
    return [known[sha256] for sha256 in missing]


def _send_all(portal: Portal, organization: str, files: Collection[TreeFile]) -> None:
    with _bar(sum(file.size for file in files)) as advance, ThreadPoolExecutor(PARALLEL) as pool:
        jobs = {pool.submit(_send, portal, organization, file): file for file in files}
        try:
            for job in as_completed(jobs):
                job.result()
                advance(jobs[job].size)
        except BaseException:
            # What has not begun shall not begin: the first refusal ends the deploy.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    console = notices()
    if not console.is_terminal:
        yield lambda _: None
        return
    with Progress(console=console, transient=True) as progress:
        yield partial(progress.advance, progress.add_task("Sending", total=total))


def _send(portal: Portal, organization: str, file: TreeFile) -> None:
    query = {"organization": organization}
    try:
        portal.put_bytes(f"/blobs/{file.sha256}", query, size=file.size, content=file.chunks)
    except (Unanswered, OSError) as problem:
        # The portal refuses bytes with another hash; a file that went away cannot even be read.
        if file.has_changed():
            raise FileChanged(file.path) from problem
        raise
