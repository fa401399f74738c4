"""What sets the checkout up and guards it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
REGISTRY = ".".join(["files", "pythonhosted", "org"])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Answer a repository that has nothing but the guard."""
    (tmp_path / "bootstrap").mkdir()
    shutil.copy(ROOT / "bootstrap" / "no_hosts.py", tmp_path / "bootstrap")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def look(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "bootstrap/no_hosts.py"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_names_no_registry_where_none_is_named(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text("django==6.1 \\\n    --hash=sha256:00\n    # via lastgood\n")

    assert look(checkout).returncode == 0


def test_finds_a_registry_in_a_file_that_is_not_yet_tracked(checkout: Path) -> None:
    (checkout / "notes.md").write_text(f"\nIt came from https://{REGISTRY}/packages.\n")

    found = look(checkout)

    assert found.returncode == 1
    assert found.stdout.startswith("notes.md:2: It came from")


def test_finds_the_registry_that_this_machine_is_told_to_use(checkout: Path) -> None:
    (checkout / "notes.md").write_text("mirror.example.net has it.\n")

    assert look(checkout).returncode == 0
    assert look(checkout, UV_DEFAULT_INDEX="https://mirror.example.net/simple").returncode == 1


@pytest.mark.parametrize("line", ["--index-url elsewhere", "tool @ git+ssh://host/tool"])
def test_finds_an_address_in_requirements(checkout: Path, line: str) -> None:
    (checkout / "requirements-dev.txt").write_text(f"{line}\n")

    assert f"requirements-dev.txt:1: {line}" in look(checkout).stdout


@pytest.mark.parametrize(("required", "outcome"), [("1", "1 failed"), ("", "1 skipped")])
def test_a_browser_test_that_was_skipped_fails_where_a_browser_is_required(
    tmp_path: Path, required: str, outcome: str
) -> None:
    (tmp_path / "test_page.py").write_text(
        "import pytest\n@pytest.mark.browser\ndef test_page(): pytest.skip('Chromium is missing')\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = browser\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "browser_required", "-p", "no:django", "test_page.py"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "bootstrap"), "REQUIRE_BROWSER": required},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome in done.stdout, done.stdout + done.stderr
