"""Is what the platform serves what we put in place? Plain data in, a verdict out.

"LOADED" alone verifies nothing: two ordinary Dagster set-ups report success and go on with old code
(`dagster api grpc`; a code server that resolved the link when it started).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """`ok` None: nobody can say, and `words` say why. `learned`: the digest that this release is known by from now on."""

    ok: bool | None
    words: str
    code: str = ""
    learned: str = ""


@dataclass(frozen=True)
class Before:
    """What the platform served before our reload. `digest` is empty when it had failed to load, or was not there."""

    server_id: str | None
    version_key: str
    digest: str


def judge(*, served: str, known: str, before: Before, release_before_known: str) -> Verdict:
    """Compare the digest that is served with what is known of this release and of the one before.

    `known` and `release_before_known` are empty when no load ever showed what these releases define. A release that was
    never seen becomes known here, if what is served arrived with our reload: it was not there before it.
    """
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
    if not before.digest:
        return Verdict(True, "Dagster loaded definitions where it had none before.", learned=served)
    if served != before.digest:
        return Verdict(True, "Dagster's definitions changed with this reload.", learned=served)
    return Verdict(
        None,
        "Dagster loaded again; its definitions are the same as before, so they cannot show which release it runs.",
    )
