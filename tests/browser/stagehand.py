"""Runs the stage (stage.py) as a process and steers it; opens pages in Chromium."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from embedded.ports import free_port
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from hazmon.web import bundle

Json = dict[str, Any]

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LIVE = "LIVE"


class Stagehand:
    """One stage: a process on a port of its own that serves the built page."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.http = httpx.Client(base_url=self.url, timeout=5, trust_env=False)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        script = Path(__file__).with_name("stage.py")
        self.process = subprocess.Popen([sys.executable, str(script), str(self.port), str(bundle.STATIC)])
        deadline = time.monotonic() + 15
        while True:
            with contextlib.suppress(httpx.TransportError):
                self.http.get("/stage/points")
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the stage did not start (exit status {self.process.poll()})")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Stop the process without closing anything."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def reset(self) -> None:
        """As good as a new one, for the next test."""
        if self.process is None or self.process.poll() is not None:
            self.start()
            return
        self.thaw()
        self.http.post("/stage/reset").raise_for_status()

    def behave(self, **wanted: Any) -> None:
        """Set fields of stage.Behaviour."""
        self.http.post("/stage", json=wanted).raise_for_status()

    def raise_alarms(self, *wanted: Json) -> list[Json]:
        """Raise alarms, all in one frame."""
        return self.http.post("/stage/alarms", json=wanted).raise_for_status().json()

    def change(self, alarm: Json, **changed: Any) -> None:
        """Change fields of an alarm; state normal ends it."""
        self.http.post(f"/stage/alarms/{alarm['id']}", json=changed).raise_for_status()

    def lose_frame(self) -> None:
        """Leave a hole in the sequence of frames."""
        self.http.post("/stage/gap").raise_for_status()

    def points(self) -> list[str]:
        """Ids of all points."""
        return self.http.get("/stage/points").json()


@contextlib.contextmanager
def a_stage() -> Generator[Stagehand]:
    """A running stage, gone at the end whatever happened to it."""
    hand = Stagehand()
    hand.start()
    try:
        yield hand
    finally:
        hand.kill()
        hand.http.close()


@contextlib.contextmanager
def a_browser(executable: Path) -> Generator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@contextlib.contextmanager
def a_context(browser: Browser, **options: Any) -> Generator[BrowserContext]:
    """A context with a 1080p screen that fails the test on a request elsewhere than 127.0.0.1 and on a page error."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, **options)
    strangers: list[str] = []
    errors: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            strangers.append(request.url)

    context.on("request", note)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert strangers == []
    assert errors == []


def open_page(context: BrowserContext, stage: Stagehand) -> Page:
    """The page, live."""
    page = context.new_page()
    page.goto(stage.url)
    wait_for_link(page, LIVE, 5)
    return page


def link(page: Page) -> str:
    """The page's own word for how it is connected."""
    return str(page.evaluate("document.body.dataset.link"))


def wait_for_link(page: Page, state: str, within_s: float) -> float:
    """Wait until the link is in `state`, at most `within_s`; return the seconds it took."""
    began = time.monotonic()
    page.locator(f"body[data-link={state}]").wait_for(state="attached", timeout=within_s * 1000)
    return time.monotonic() - began


def wait_until_not_live(page: Page, within_s: float) -> float:
    """Wait until the page no longer claims to be live, at most `within_s`; return the seconds it took."""
    began = time.monotonic()
    page.locator("body:not([data-link=LIVE])").wait_for(state="attached", timeout=within_s * 1000)
    return time.monotonic() - began
