"""Is what the platform serves what we put in place? Plain data in, a verdict out.

"LOADED" alone verifies nothing: two ordinary Dagster set-ups report success and go on with old code
(`dagster api grpc`; a code server that resolved the link when it started).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Verdict:
    """`ok` None: nobody can say, and `words` say why. `learned`: the digest that this release is known by from now on."""

    ok: bool | None
    words: str
    code: str = ""
    learned: str = ""


@dataclass(frozen=True)
class Before:
    """What the platform served before our reload. `digest` is empty when it had failed to load, or was not there.

    `unread`: it did not say, or was just loading.
    """

    server_id: str | None
    version_key: str
    digest: str
    unread: bool = False

    @classmethod
    def of(cls, remembered: Mapping[str, Any] | None) -> Self:
        """Read what `remembered` answered; nothing was remembered: nothing was there."""
        before = (remembered or {}).get("before")
        return cls(**before) if before else cls(None, "", "")

    def remembered(self) -> dict[str, Any]:
        """Answer it as a deploy's row keeps it until the deploy ends."""
        return {"before": asdict(self), "answered": False}


def shows_image(metadata: Mapping[str, str], image: str, digest: str) -> bool | None:
    """Say whether the platform shows this very image; None: it shows none, or a tag where only digests tell.

    A tag moves, and what restarts a server often leaves the tag that it shows as it was.
    """
    shown = metadata.get("image", "")
    if not shown or not image:
        return None
    shown_digest = shown.partition("@")[2]
    if shown_digest and digest:
        return shown_digest == digest
    return True if shown == image and not digest else None


def judge(*, served: str, known: str, before: Before, release_before_known: str, image: bool | None = None) -> Verdict:
    """Compare the digest that is served with what is known of this release and of the one before.

    `known` and `release_before_known` are empty when no load ever showed what these releases define. A release that was
    never seen becomes known here, if what is served arrived with our reload: it was not there before it. `image` says
    whether the platform shows the release's image; None when images cannot tell.
    """
    if image:
        return Verdict(True, "Dagster shows the image of this release.", learned="" if known else served)
    if image is False:
        return Verdict(
            False,
            "Dagster loaded again, and shows another image than this release's: what carries the order out put something "
            "else there, or an older server still answers.",
            code="other_image",
        )
    if known and served == known:
        return Verdict(True, "Dagster serves the definitions known for this release.")
    if known and served in {release_before_known, before.digest}:
        return Verdict(
            False,
            "Dagster loaded again, and still serves the definitions of the release before: it reads its code from somewhere "
            "else than the folder of the target. Start the code server with absolute paths through “current”, and with a "
            "working directory (-d).",
            code="old_code_loaded",
        )
    if known:
        return Verdict(
            None,
            "Dagster serves definitions that differ from those seen earlier for this release: "
            "they depend on something besides it.",
        )
    if before.unread:
        return Verdict(None, "Dagster did not say what it served before, so nobody can say whether this is new.")
    if not before.digest:
        return Verdict(True, "Dagster loaded definitions where it had none before.", learned=served)
    if served != before.digest:
        return Verdict(True, "Dagster's definitions changed with this reload.", learned=served)
    return Verdict(
        None,
        "Dagster loaded again; its definitions are the same as before, so they cannot show which release it runs.",
    )
