"""People at a desk in Chromium, as Debian has it; no browser is downloaded."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from desk_pages.desk_process import PASSWORD
from programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1180, "height": 800}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a screen."""
    with sync_playwright() as playwright:
        path = program("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def person(browser: Browser, url: str, name: str | None = None, **options: Any) -> Iterator[Page]:
    """Someone at a window of their own, logged in if there is a name; no script fails, no rule of the page is broken.

    Args:
        browser: The browser.
        url: Of the desk.
        name: Of the account.
        options: Of the window, such as ``color_scheme``.
    """
    context = browser.new_context(base_url=url, accept_downloads=True, **{"viewport": DESKTOP, **options})
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    try:
        if name is not None:
            log_in(page, name)
        yield page
        assert wrong == []
    finally:
        context.close()


def log_in(page: Page, name: str, password: str = PASSWORD, code: str = "") -> None:
    """Log in by the form."""
    page.goto("/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("textbox", name="Code").fill(code)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def flaws(page: Page) -> list[str]:
    """What axe-core finds wrong with a page, each with the place."""
    found = Axe().run(page).response["violations"]
    return [f"{flaw['id']}: {node['html']} {node['failureSummary']}" for flaw in found for node in flaw["nodes"]]
