"""Make the pictures of the README from the demonstration: `make pictures`.

Runs `make up` with a real Dagster on data of its own, does what the README's tour does, and takes each picture as a
person would see it. What is pictured is found by the words on the pages.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.pages.pictures import chromium

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "docs" / "pictures"
PLACE = "/deployments/acme/production/shop/"
PATIENCE = 600.0  # seconds: the first start makes Dagster's environment


def main() -> None:
    """Take every picture."""
    OUT.mkdir(parents=True, exist_ok=True)
    with running_demo() as (url, people), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        admin = people["admin"]["password"]
        page = signed_in(browser, url, admin, scheme="light")
        take(page, url + PLACE, "history")
        take_rollback(page, url)
        roll_back(url, people["editor"]["token"])
        take(page, url + "/", "deployments")
        take(page, f"{url}{PLACE}deploys/6/", "after-a-rollback")
        take(page, f"{url}{PLACE}deploys/4/", "deploy")
        take(page, f"{url}{PLACE}assets/changes/?key=orders", "asset")
        take(page, f"{url}/insights/", "insights")
        dark = signed_in(browser, url, admin, scheme="dark")
        take(dark, url + PLACE, "history-dark")
        phone = signed_in(browser, url, admin, scheme="light", width=390, height=844)
        take(phone, url + PLACE, "history-phone", whole=False)
        browser.close()


@contextmanager
def running_demo() -> Iterator[tuple[str, dict[str, Any]]]:
    """Run the portal with its demonstration; answer its address and its people."""
    with tempfile.TemporaryDirectory(prefix="lg-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        told = {"DATA_DIR": f"{folder}/d", "PORT": str(port), "DAGSTER": "1", "AIRFLOW": "0", "DEMO": "1"}
        command = [sys.executable, "manage.py", "up"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | told, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            wait_until_told(process)
            notes = json.loads(Path(folder, "d", "demo.json").read_text())
            yield notes["url"], notes["users"]
        finally:
            process.terminate()
            process.wait(60)


def wait_until_told(process: subprocess.Popen[str]) -> None:
    """Read what the portal says until the demonstration is there. Raises RuntimeError."""
    until = time.monotonic() + PATIENCE
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="")
        if line.startswith("Lastgood is at"):
            return
        if time.monotonic() > until:
            break
    raise RuntimeError("The demonstration did not come.")


def signed_in(browser: Browser, url: str, password: str, *, scheme: Any, width: int = 1280, height: int = 800) -> Page:
    """Answer a page of a browser in which the administrator is signed in."""
    page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
    page.goto(url)
    page.get_by_label("User name or e-mail").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    return page


def take(page: Page, address: str, name: str, *, whole: bool = True) -> None:
    """Take the picture of a page, once it has loaded what it loads by itself."""
    page.goto(address, wait_until="networkidle")
    page.screenshot(path=OUT / f"{name}.png", full_page=whole)


def take_rollback(page: Page, url: str) -> None:
    """Take the picture of the dialog that explains a rollback before it happens."""
    page.goto(url + PLACE)
    page.get_by_role("link", name="Roll back to last known good").first.click()
    page.wait_for_selector("dialog[open]")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=OUT / "rollback.png")


def roll_back(url: str, token: str) -> None:
    """Do what the README's tour does."""
    words = ["rollback", "acme/production/shop", "--to", "last-good", "--description", "Revenue is wrong", "--wait"]
    environment = os.environ | {"LASTGOOD_URL": url, "LASTGOOD_TOKEN": token}
    subprocess.run([sys.executable, "-m", "lastgood.main", *words], env=environment, check=True)


if __name__ == "__main__":
    main()
