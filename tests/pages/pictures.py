"""Take a picture of every page: `python -m tests.pages.pictures URL USER PASSWORD OUT`.

Wide and narrow, light and dark. Pages are found by their links, so that whatever the portal holds is pictured. Says
which pages are wider than the window: none should be.
"""

import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

SIZES = {"wide": (1440, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")


def main(url: str, user: str, password: str, out: Path) -> int:
    """Take the pictures, and answer how many pages are wider than the window."""
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        too_wide = 0
        for size, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                page = _open(browser, width, height, scheme)
                too_wide += _picture_all(page, url.rstrip("/"), user, password, out, f"{size}-{scheme}")
                page.context.close()
        browser.close()
    return too_wide


def chromium() -> str | None:
    """Answer the path of a Chromium on this machine."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _open(browser: Browser, width: int, height: int, scheme: str) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        is_mobile=width < 500,
        has_touch=width < 500,
        device_scale_factor=1,
    )
    page = context.new_page()
    page.on("console", lambda said: said.type == "error" and print(f"  {page.url}: {said.text}"))
    return page


def _picture_all(page: Page, url: str, user: str, password: str, out: Path, kind: str) -> int:
    page.goto(f"{url}/")
    too_wide = _picture(page, out, kind, "login")
    page.fill("#id_login", user)
    page.fill("#id_password", password)
    page.click("main button.primary")
    for name, address in _pages(page, url):
        page.goto(address)
        too_wide += _picture(page, out, kind, name)
    return too_wide + _picture_dialog(page, url, out, kind)


def _pages(page: Page, url: str) -> list[tuple[str, str]]:
    """Answer the name and address of each page, from what the pages themselves link to."""
    page.goto(f"{url}/")
    found = {"home": f"{url}/", "absent": f"{url}/deployments/no/such/", "account": f"{url}/accounts/password/change/"}
    deployments = _links(page, "h3 a")
    for deployment in deployments:
        page.goto(deployment)
        found[f"overview-{_name(deployment)}"] = deployment
        for place in _links(page, "th a[href^='/deployments/']:not([href*='/deploys/'])")[:2]:
            found[f"history-{_name(place)}"] = place
        for deploy in _links(page, ".history th a")[:12]:
            found[f"deploy-{_name(deploy)}"] = deploy
        for dialog in _links(page, "a[data-dialog]")[:4]:
            found[f"dialog-{_name(dialog)}"] = dialog
        for tab in _links(page, ".tabs a"):
            found[f"tab-{_name(tab)}"] = tab
        # Each of these opens in a dialog; on its own it is a page.
        for assets in _links(page, ".c-assets a")[:3]:
            found[f"changes-{_name(assets)}"] = assets
    for address in [address for address in found.values() if urlsplit(address).path.endswith("/assets/")]:
        page.goto(address)
        for asset in _links(page, ".assets th a")[:3]:
            page.goto(asset)
            found |= {f"asset-{_name(tab)}": tab for tab in _links(page, ".tabs a")}
    return list(found.items())


def _links(page: Page, selector: str) -> list[str]:
    return list(dict.fromkeys(page.eval_on_selector_all(selector, "found => found.map(each => each.href)")))


def _name(address: str) -> str:
    parts = urlsplit(address)
    return "-".join(filter(None, f"{parts.path}{parts.query}".replace("=", "-").split("/")[2:]))


def _picture(page: Page, out: Path, kind: str, name: str) -> int:
    page.screenshot(path=out / f"{name}.{kind}.png", full_page=True)
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    if wide > room:
        print(f"  {name} is {wide} pixels wide in a window of {room}.")
    return int(wide > room)


def _picture_dialog(page: Page, url: str, out: Path, kind: str) -> int:
    page.goto(f"{url}/")
    for deployment in _links(page, "h3 a"):
        page.goto(deployment)
        opener = page.locator("a[data-dialog]").last
        if opener.count():
            opener.click()
            page.wait_for_selector("dialog[open]")
            page.screenshot(path=out / f"open-dialog.{kind}.png")
            return 0
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])) and 1)
