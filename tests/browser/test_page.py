"""The page as a whole: what it shows without alarms, its two languages, and that it asks nobody but its own host."""

from __future__ import annotations

import re

from browser.stagehand import Stagehand, open_page, wait_for_link
from playwright.sync_api import BrowserContext, Page, expect


def test_forty_two_tiles_in_sight_and_no_alarm(page: Page) -> None:
    expect(page).to_have_title("hazmon · 重大危险源实时监测")
    expect(page.locator("h1")).to_have_text("金乡县新材料产业园（演示）")
    expect(page.get_by_text("当前没有报警")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(42)
    last = page.locator(".tile").last.bounding_box()
    assert last is not None
    assert last["y"] + last["height"] <= 1080
    first = page.locator(".tile").first
    for words in ("E01-S1", "液氨球罐区", "三级", "液位", "压力", "温度", "在线"):
        expect(first).to_contain_text(words)


def cut_off(page: Page) -> list[str]:
    """Lines of tiles and headers that do not fit their place."""
    return page.evaluate("""() => [...document.querySelectorAll('.tile .value, .tile .bottom, .tile .top, header > *')]
        .filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 4).map(e => e.innerText)""")


def height_of_header(page: Page) -> float:
    box = page.locator("header").bounding_box()
    assert box is not None
    return box["height"]


def test_nothing_on_a_tile_is_cut_off(page: Page, stage: Stagehand) -> None:
    stage.behave(silent_edges=["E05"], bad_points=["E02/TT-1011"])
    stage.raise_alarms({"point": "E01/GT-1011"}, {"point": "E05/AT-1011"}, {"point": "E02/TT-1011", "rule": "QUALITY"})
    stage.raise_alarms({"point": "E03/LT-1011", "suppressions": ["shelved"]})
    expect(page.locator(".tile.blind")).to_have_count(4)
    expect(page.locator("header .suppressed")).to_be_visible()
    assert cut_off(page) == []
    assert height_of_header(page) < 80
    page.get_by_role("button", name="EN", exact=True).click()
    expect(page.locator("#link-state")).to_have_text("LIVE")
    assert cut_off(page) == []
    assert height_of_header(page) < 80


def test_english(page: Page, stage: Stagehand) -> None:
    verified = {"at": "2026-01-01T08:00:00Z", "by": "Engineer", "verdict": "real", "note": ""}
    stage.raise_alarms(
        {"overdue": 2, "health": "stale", "verified": verified, "raised_count": 2},
        {"point": "E01/LT-3011", "suppressions": ["suppressed_by_design"], "by_design": "unit stopped"},
    )
    page.get_by_role("button", name="EN", exact=True).click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_have_text("Jinxiang new materials park (demo)")
    expect(page.locator("#link-state")).to_have_text("LIVE")
    expect(page.locator("[data-alarm]")).to_contain_text("High-high")
    expect(page.locator("#hung")).to_contain_text("NOT live")
    left = re.compile(r"[\u4e00-\u9fff]+")
    assert left.findall(page.locator("body").inner_text()) == ["中文"]  # the way back
    page.locator("[data-alarm] .operate").click()
    dialog = page.locator("dialog")
    for action in ("Verify", "Handle", "Comment", "Shelve", "Out of service"):
        dialog.get_by_text(action, exact=True).click()
        assert left.findall(dialog.inner_text()) == []
    page.keyboard.press("Escape")
    page.locator("header .suppressed").click()
    for words in ("LPG tank farm", "High limit", "by design"):
        expect(dialog).to_contain_text(words)
    assert left.findall(dialog.inner_text()) == []
    page.reload()
    wait_for_link(page, "LIVE", 5)
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_every_request_goes_to_the_host_the_page_came_from(context: BrowserContext, stage: Stagehand) -> None:
    asked: list[str] = []
    sockets: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(stage.url)
    wait_for_link(page, "LIVE", 5)
    stage.raise_alarms({"priority": 2})
    page.locator("[data-alarm] .act").click()
    page.locator("dialog .act").click()
    expect(page.locator("[data-alarm].acknowledged")).to_have_count(1)
    assert len(asked) >= 4
    assert all(url.startswith(stage.url) for url in asked)
    assert sockets == [stage.url.replace("http", "ws") + "api/v1/live"]


def test_the_content_security_policy_is_never_hit(context: BrowserContext, stage: Stagehand) -> None:
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page = open_page(context, stage)
    stage.raise_alarms({})
    page.locator("[data-alarm] .act").click()
    expect(page.locator("dialog")).to_be_visible()
    assert complaints == []


def test_a_silent_box_hatches_its_tiles_though_its_values_were_fine(page: Page, stage: Stagehand) -> None:
    stage.behave(silent_edges=["E05"])
    expect(page.locator(".tile.blind")).to_have_count(4)
    expect(page.locator("[data-source='E05-S1'] .box")).to_have_text("盒失联")
    stage.behave(silent_edges=[])
    expect(page.locator(".tile.blind")).to_have_count(0)


def test_a_bad_value_is_a_dash_and_its_last_good_one_a_tooltip(page: Page, stage: Stagehand) -> None:
    stage.behave(bad_points=["E02/TT-1011"])
    value = page.locator("[data-source='E02-S1'] .value.absent")
    expect(value).to_have_count(1)
    expect(value.locator("b")).to_have_text("—")
    assert re.search(r"TT-1011 .*最后有效值 -?[\d.]+ ℃", value.get_attribute("title") or "")


def test_mute_lasts_and_says_how_long(page: Page, stage: Stagehand) -> None:
    stage.raise_alarms({})
    page.get_by_role("button", name="静音").click()
    expect(page.locator("header .muted")).to_contain_text(re.compile(r"已静音 [23]:\d\d"))
    stage.raise_alarms({"point": "E02/LT-1011"})  # a new alarm lifts it
    expect(page.locator("header .muted")).to_have_count(0)


def test_another_version_reloads_the_page_once(context: BrowserContext, stage: Stagehand) -> None:
    page = open_page(context, stage)
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    stage.behave(version="another")
    stage.lose_frame()  # makes the page fetch a snapshot, which carries the version
    expect(page.get_by_text("页面版本与服务不一致")).to_be_visible(timeout=10_000)
    page.wait_for_timeout(1_500)
    assert len(loads) == 1
    wait_for_link(page, "LIVE", 5)


def test_a_database_that_does_not_answer_is_said(page: Page, stage: Stagehand) -> None:
    stage.behave(database="down", unrecorded=3)
    expect(page.locator("header .warnings")).to_contain_text("记录待补 3")
