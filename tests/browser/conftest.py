"""A browser a module, a stage in good order a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.stagehand import Stagehand, a_browser, a_context, a_stage, open_page
from playwright.sync_api import Browser, BrowserContext, Page

from hazmon.web import bundle


@pytest.fixture(scope="session")
def built_page() -> None:
    """The bundle of the present sources, built if it is not there."""
    if not bundle.is_current():
        bundle.build()


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Headless Chromium; closed with the module, for playwright's loop must not outlive the synchronous tests."""
    with a_browser(chromium) as found:
        yield found


@pytest.fixture(scope="module")
def running_stage(built_page: None) -> Iterator[Stagehand]:
    """The module's stage, in whatever state the last test left it."""
    with a_stage() as hand:
        yield hand


@pytest.fixture
def stage(running_stage: Stagehand) -> Stagehand:
    """A well-behaved stage without alarms."""
    running_stage.reset()
    return running_stage


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile."""
    with a_context(browser) as found:
        yield found


@pytest.fixture
def page(context: BrowserContext, stage: Stagehand) -> Page:
    """The page, live."""
    return open_page(context, stage)
