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
    """Alarms at every turn of their life, some of them suppressed, one silent box, one source without readings."""
    stage.behave(
        silent_edges=["E05"], quiet_sources=["E05-S1", "E05-S2", "E05-S3", "E05-S4", "E08-S2"], bad_points=["E02/TT-1011"]
    )
    raised = stage.raise_alarms(
        {"point": "E01/LT-1011", "rule": "HH", "priority": 1, "first_out": True, "overdue": 2},
        {"point": "E01/PT-1011", "rule": "FORECAST_UP", "priority": 2, "value": 6.4, "limit": 10, "unit": "min"},
        {"point": "E03/AT-2021", "rule": "H", "priority": 2},
        {"point": "E07/LT-1011", "rule": "RATE_UP", "priority": 3, "value": 0.84, "limit": 0.5, "unit": "m/min"},
        {"point": "E02/TT-1011", "rule": "QUALITY", "priority": 4, "value": None, "limit": None},
        {"point": "E08/PT-2011", "rule": "STALE", "priority": 3, "value": None, "limit": None, "recorded": False},
        {"point": "E04/PT-3021", "rule": "HH", "priority": 1, "raised_count": 3},
        {"point": "E09/GT-1031", "rule": "H", "priority": 2},
        {"point": "E06/TT-4011", "rule": "L", "priority": 3, "late": True},
        {"point": "E10/AT-1011", "rule": "HH", "priority": 1, "latching": True},
        {"point": "E10/GT-2011", "rule": "H", "priority": 2, "latching": True},
        {"point": "E02/TT-1021", "rule": "H", "priority": 2, "health": "bad_quality"},
        {"point": "E08/LT-1011", "rule": "STUCK", "priority": 4, "value": 9.31, "limit": None},
        {"point": "E03/LT-4011", "rule": "HH", "priority": 1},
        {"point": "E06/FT-1011", "rule": "L", "priority": 3},
        {"point": "E07/TT-3011", "rule": "QUALITY", "priority": 4, "value": None, "limit": None},
        {"point": "E09/LT-2011", "rule": "H", "priority": 3},
        {"point": "E11/PT-1011", "rule": "DEVIATION", "priority": 2, "value": 0.31, "limit": 0.2},
    )
    now = raised[0]["raised_at"]
    by: Json = {"acknowledged_by": "值班员", "acknowledged_at": now}
    seen: Json = {"state": "acknowledged", **by}
    verified: Json = {"at": now, "by": "工艺员", "verdict": "real", "note": "进料阀未关严"}
    disposed: Json = {"at": now, "by": "值班员", "note": "已切断进料"}
    stage.change(raised[3], **seen)
    stage.change(raised[6], **seen, verified=verified, disposed=disposed)
    stage.change(raised[8], **seen)
    stage.change(raised[7], state="returned_unacknowledged", active=False, cleared_at=now)
    stage.change(raised[9], state="latched_unacknowledged", active=False, cleared_at=now)
    stage.change(raised[10], state="latched_acknowledged", active=False, cleared_at=now, **by)
    stage.change(raised[13], rule="H", value=11.2, limit=10.5, peak=12.87)
    shelf: Json = {"until": now, "by": "班长", "reason": "流量计校验"}
    stage.change(raised[14], suppressions=["shelved"], shelf=shelf)
    stage.change(raised[15], suppressions=["shelved"], shelf=shelf | {"reason": "更换变送器"})
    stage.change(raised[16], suppressions=["suppressed_by_design"], by_design="储罐停用检修，液位无意义")
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
        page.locator("[data-alarm] .acknowledge .act").first.click()
        page.wait_for_timeout(300)
        shoot(page, "acknowledge")
        page.keyboard.press("Escape")
        page.locator("[data-alarm] .operate").first.click()
        page.locator("dialog.action").get_by_text("搁置", exact=True).click()
        shoot(page, "shelve")
        page.keyboard.press("Escape")
        page.locator("header .suppressed").click()
        page.wait_for_timeout(300)
        shoot(page, "suppressed")
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
