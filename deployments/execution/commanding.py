"""The operator's command: it applies what files alone do not, like an image, a runtime version or an environment.

It runs once a release was put in place, as words without a shell, and is told by its environment where the release and
its settings lie. A worker that died may have run it already: it has to stand being run again, after it was killed.
"""

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from deployments import configuration, drivers, events
from deployments.execution import left_behind
from deployments.execution.claiming import Claim
from deployments.execution.command_log import CommandLog
from deployments.masking import mask_of
from deployments.models import Deploy, Release
from deployments.states import DeployStatus, DeployStep
from deployments.targets.base import TargetRefused
from portal.common.secret_field import Unreadable

Clock = Callable[[], datetime]
BREATH = 1.0  # seconds between two looks at the lease
PIPE = 65_536  # bytes that a pipe holds


def run_command(held: Claim, deploy: Deploy, *, clock: Clock) -> None:
    """Run the command and go on to the next step. Raises TargetRefused, LostClaimError; kills what it started."""

    def say(line: str) -> None:
        held.renew()
        events.record(deploy, line, at=clock(), step=DeployStep.COMMAND)

    run(deploy, changed=_changed(deploy), say=say, breathe=held.renew)
    follow_up = DeployStep.RELOAD if deploy.platform_asked else DeployStep.VERIFY
    held.write(step=follow_up, step_started_at=clock(), attempts=0)
    events.record_step(deploy, DeployStep.COMMAND, "The command has ended well.", at=clock())


def run_again(deploy: Deploy, *, say: Callable[[str], None], breathe: Callable[[], None]) -> None:
    """Run the command for what was put back: nobody knows what applies now. Raises TargetRefused, and what `breathe` does."""
    run(deploy, changed=["settings", "image", "runtime_version"], say=say, breathe=breathe)


def run(deploy: Deploy, *, changed: list[str], say: Callable[[str], None], breathe: Callable[[], None]) -> None:
    """Run the deployment's command for what is in place. Raises TargetRefused, and whatever `breathe` raises."""
    deployment, release = deploy.code_location.deployment, deploy.release
    assert release is not None
    words = _readable(deploy, release)
    folder = drivers.target_path(deploy.code_location)
    note = folder / ".lastgood" / "command"
    if left_behind.end(note):
        say("Ended what an earlier worker had left running.")
    say(f"Running {words[0]}.")
    # Those of before, too: a script may say what it replaces.
    log = CommandLog(say, mask=mask_of(deploy, deploy.code_location.live_deploy))
    try:
        process = _started(words, folder, _environment(deploy, release, folder, changed), note)
    except OSError as missing:
        raise TargetRefused(
            "command_unusable", f"{words[0]} cannot be run ({missing.strerror}): mend the command of {deployment}."
        ) from missing
    try:
        code = _followed(process, deployment.command_patience, log, breathe)
        log.close()
    finally:
        _end(process)
        left_behind.forget(note, process.pid)
    _refuse(code, words[0], deploy)


def _readable(deploy: Deploy, release: Release) -> list[str]:
    """Answer the command's words, if the secrets can be kept out of its log. Raises TargetRefused `command_unusable`."""
    deployment = deploy.code_location.deployment
    try:
        words = shlex.split(deployment.activation_command)
        configuration.secrets_in(release.settings)
    except ValueError as odd:
        raise TargetRefused("command_unusable", f"The command of {deployment} cannot be run: {odd}.") from odd
    except Unreadable as gone:
        raise TargetRefused(
            "command_unusable",
            f"The command of {deployment} is not run: secrets of #{deploy.number} cannot be read, so nobody could keep them "
            "out of its log. Push them again.",
        ) from gone
    if not words:
        raise TargetRefused("command_unusable", f"The command of {deployment} has no words: mend it, or take it away.")
    return words


def _started(words: list[str], folder: Path, environment: dict[str, str], note: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        words,
        bufsize=0,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        left_behind.remember(note, process.pid)
    except BaseException:
        _end(process)
        raise
    return process


def _environment(deploy: Deploy, release: Release, folder: Path, changed: list[str]) -> dict[str, str]:
    return {
        **{name: value for name in ("PATH", "HOME", "LANG", "TMPDIR") if (value := os.environ.get(name))},
        "LASTGOOD_PLACE": str(deploy.code_location),
        "LASTGOOD_DEPLOY": str(deploy.number),
        "LASTGOOD_RELEASE": release.digest,
        "LASTGOOD_FOLDER": str(folder),
        "LASTGOOD_SETTINGS": str(folder / "current" / ".lastgood"),
        "LASTGOOD_IMAGE": release.image,
        "LASTGOOD_RUNTIME_VERSION": release.runtime_version,
        "LASTGOOD_CHANGED": " ".join(changed),
    }


def _changed(deploy: Deploy) -> list[str]:
    """Answer which parts differ from what was applied before: a script may have nothing to restart."""
    placed = deploy.code_location.deploys.filter(activated_at__isnull=False, fence__lt=deploy.fence).exclude(
        pk=deploy.pk
    )
    before = placed.select_related("release").order_by("-fence").first()
    return list(_differences(before.release if before and _was_applied(before) else None, deploy.release))


def _was_applied(before: Deploy) -> bool:
    """Say whether the command ended well for that deploy: else nobody knows how much of it was applied."""
    # What was given up only after it, when the platform was asked, was applied all the same.
    passed = before.status == DeployStatus.SUCCEEDED or before.step in {DeployStep.RELOAD, DeployStep.VERIFY}
    # Perhaps there was no command then.
    return passed and before.events.filter(step=DeployStep.COMMAND).exists()


def _differences(before: Release | None, after: Release | None) -> Iterator[str]:
    assert after is not None
    if before is None or before.settings_digest != after.settings_digest:
        yield "settings"
    if before is None or (before.image, before.image_digest) != (after.image, after.image_digest):
        yield "image"
    if before is None or before.runtime_version != after.runtime_version:
        yield "runtime_version"


def _followed(
    process: subprocess.Popen[bytes], patience: int, log: CommandLog, breathe: Callable[[], None]
) -> int | None:
    """Tell what it says, and answer its exit code; None when its time is over."""
    assert process.stdout is not None
    ends_at, is_open, breathes_at = time.monotonic() + patience, True, 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := ends_at - time.monotonic()) > 0:
            if time.monotonic() >= breathes_at:
                breathe()
                breathes_at = time.monotonic() + BREATH
            # Asked first: what it said before it ended lies in the pipe by now. A child that it left behind may keep
            # the pipe open, and go on talking.
            has_ended = process.poll() is not None
            pause = 0 if has_ended else min(BREATH, left)
            if not is_open:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(pause)
            elif selector.select(pause):
                piece = os.read(process.stdout.fileno(), PIPE)
                log.take(piece)
                is_open = bool(piece)
            if has_ended:
                break
    return process.poll()


def _refuse(code: int | None, name: str, deploy: Deploy) -> None:
    if code is None:
        patience = deploy.code_location.deployment.command_patience
        raise TargetRefused(
            "command_timed_out", f"{name} did not end within {patience} s and was killed. #{deploy.number} is in place."
        )
    if code:
        raise TargetRefused(
            "command_failed",
            f"{name} ended with {code}; the log has its last words. #{deploy.number} is in place: mend it, then retry.",
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command that has not ended, with all that it started; but not what made a session of its own."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
