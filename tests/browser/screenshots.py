"""Take pictures of the page in the states that matter, into `screenshots/`: python tests/browser/screenshots.py"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "deploy")]

from browser.stagehand import Json, Stagehand, a_browser, a_context, a_stage, link, open_page, wait_for_link  # noqa: E402
from embedded.browser import chromium  # noqa: E402
from playwright.sync_api import Page  # noqa: E402

from hazmon.web import bundle  # noqa: E402


def ordinary_day(stage: Stagehand) -> list[Json]:
    """Some of every kind of alarm, one silent box, one source without readings, one bad transmitter."""
    stage.behave(
        silent_edges=["E05"], quiet_sources=["E05-S1", "E05-S2", "E05-S3", "E05-S4", "E08-S2"], bad_points=["E02/TT-1011"]
    )
    raised = stage.raise_alarms(
        {"point": "E01/LT-1011", "rule": "HH", "priority": 1},
        {"point": "E03/AT-2021", "rule": "H", "priority": 2},
        {"point": "E07/LT-1011", "rule": "RATE_UP", "priority": 3, "value": 0.84, "limit": 0.5, "unit": "m/min"},
        {"point": "E02/TT-1011", "rule": "QUALITY", "priority": 4, "value": None, "limit": None},
        {"point": "E08/PT-2011", "rule": "STALE", "priority": 3, "value": None, "limit": None, "recorded": False},
        {"point": "E04/PT-3021", "rule": "HH", "priority": 1},
        {"point": "E09/GT-1031", "rule": "H", "priority": 2},
        {"point": "E06/TT-4011", "rule": "L", "priority": 3, "late": True},
    )
    by: Json = {"acknowledged_by": "值班员", "acknowledged_at": raised[5]["raised_at"]}
    stage.change(raised[5], state="acknowledged", **by)
    stage.change(raised[7], state="acknowledged", **by)
    stage.change(raised[6], state="returned_unacknowledged", cleared_at=raised[6]["raised_at"])
    return raised


def shoot(page: Page, name: str) -> None:
    """One picture."""
    path = ROOT / "screenshots" / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.relative_to(ROOT)} ({link(page)})")


def main() -> None:
    """All pictures."""
    if not bundle.is_current():
        bundle.build()
    home = Path(os.environ.get("HAZMON_HOME", ROOT / ".hazmon"))
    with a_stage() as stage, a_browser(chromium(home)) as browser, a_context(browser) as context:
        page = open_page(context, stage)
        page.wait_for_timeout(1_500)
        shoot(page, "quiet")
        ordinary_day(stage)
        page.wait_for_timeout(14_000)
        shoot(page, "normal")
        page.locator("[data-alarm] .act").first.click()
        page.wait_for_timeout(300)
        shoot(page, "acknowledge")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="EN", exact=True).click()
        page.wait_for_timeout(300)
        shoot(page, "english")
        page.get_by_role("button", name="中文").click()
        shown = stage.points()
        rules = (("HH", 1), ("H", 2), ("RATE_UP", 3), ("QUALITY", 4), ("H", 2), ("STALE", 3))
        stage.raise_alarms(*({"point": shown[n * 9], "rule": rules[n % 6][0], "priority": rules[n % 6][1]} for n in range(100)))
        page.wait_for_timeout(500)
        shoot(page, "flood")
        page.set_viewport_size({"width": 3840, "height": 2160})
        page.wait_for_timeout(500)
        shoot(page, "flood-4k")
        page.set_viewport_size({"width": 1366, "height": 768})
        page.wait_for_timeout(500)
        shoot(page, "flood-1366")
        page.set_viewport_size({"width": 1920, "height": 1080})
        stage.freeze()
        page.wait_for_timeout(4_500)
        shoot(page, "not-live")
        stage.thaw()
        wait_for_link(page, "LIVE", 10)
        stage.behave(commits=False, database="down", unrecorded=7)
        page.wait_for_timeout(17_000)
        shoot(page, "pipeline")


if __name__ == "__main__":
    main()
