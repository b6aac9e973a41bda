"""The alarm's whole life on the page, against the real service: readings go in, and people act in the browser."""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest
from browser.room import REASON, RealRoom, a_room
from browser.stagehand import wait_for_link
from playwright.sync_api import BrowserContext, Locator, Page, expect

HIGH = 10.6
HIGH_HIGH = 12.5
FLASHING = ".row[data-alarm] .flash"


@pytest.fixture
def room(built_page: None, database: str) -> Generator[RealRoom]:
    """A calm park."""
    with a_room(database) as room:
        room.be()
        yield room


@pytest.fixture
def page(context: BrowserContext, room: RealRoom) -> Page:
    """The page of the real service, live."""
    page = context.new_page()
    page.goto(room.url)
    wait_for_link(page, "LIVE", 10)
    return page


def row(page: Page, tag: str = "LT-1") -> Locator:
    return page.locator("[data-alarm]").filter(has_text=tag)


def acknowledge(page: Page, tag: str = "LT-1", note: str = "已通知现场") -> None:
    row(page, tag).locator(".acknowledge .act").click()
    page.locator("dialog input[name=note]").fill(note)
    page.locator("dialog .act").click()


def operate(page: Page, action: str, note: str, *choices: str, role: str | None = None, tag: str = "LT-1") -> None:
    """Ask for something in the row's dialog."""
    row(page, tag).locator(".operate").click()
    fill(page, action, note, *choices, role=role)


def fill(page: Page, action: str, note: str, *choices: str, role: str | None = None) -> None:
    """Fill in the open dialog and send it."""
    dialog = page.locator("dialog.action")
    for words in (action, *choices):
        dialog.get_by_text(words, exact=True).click()
    if role is not None:
        dialog.get_by_label("身份").select_option(label=role)
    dialog.locator("input[name=note]").fill(note)
    dialog.locator(".act").click()


def test_an_escalation_stays_in_its_row_and_wants_to_be_acknowledged_anew(room: RealRoom, page: Page) -> None:
    room.be(level=HIGH)
    expect(row(page)).to_contain_text("高 H")
    name = row(page).get_attribute("data-alarm")
    acknowledge(page)
    expect(row(page).locator(".state")).to_contain_text("已确认")
    expect(page.locator(FLASHING)).to_have_count(0)
    room.be(level=HIGH_HIGH)
    expect(row(page).locator(".rule")).to_contain_text("高高 HH")
    expect(row(page).locator(".state")).to_contain_text("未确认")
    expect(page.locator(FLASHING)).to_have_count(1)
    room.be(level=11.0)
    expect(row(page).locator(".rule b")).to_have_text("高 H")
    expect(row(page).locator(".worst")).to_have_text("最高 HH 12.50")
    expect(row(page).locator(".state")).to_contain_text("未确认")
    assert [line.get_attribute("data-alarm") for line in page.locator("[data-alarm]").all()] == [name]


def test_shelving_hides_the_alarm_and_taking_it_down_brings_it_back(room: RealRoom, page: Page) -> None:
    room.be(level=HIGH)
    operate(page, "搁置", "变送器校验", "30 分钟")
    expect(page.locator("[data-alarm]")).to_have_count(0)
    expect(page.locator(".tile .flash")).to_have_count(0)
    counter = page.get_by_role("button", name="搁置 1 · 设计抑制 0 · 停用 0")
    expect(counter).to_be_visible()
    expect(page.locator("header .counts")).not_to_contain_text("活动 1")
    counter.click()
    line = page.locator("[data-suppressed]")
    for words in ("名 LT-1", "E01/LT-1 · 高限", "已搁置", "变送器校验", "值班员"):
        expect(line).to_contain_text(words)
    expect(line.locator("td").nth(5)).to_have_text(re.compile(r"\d\d:\d\d"))
    line.get_by_role("button", name="取消搁置").click()
    fill(page, "取消搁置", "校验完成")
    expect(page.get_by_text("当前没有搁置、抑制或停用的报警")).to_be_visible()
    page.locator("dialog.suppressions footer button").click()
    expect(counter).to_have_count(0)
    expect(row(page).locator(".state")).to_contain_text("已确认")


def test_an_alarm_whose_shelf_ends_by_itself_calls_again(room: RealRoom, page: Page) -> None:
    room.be(level=HIGH)
    acknowledge(page)
    expect(page.locator(".row.acknowledged")).to_have_count(1)
    room.ask("/points/E01/LT-1/alarms/HIGH/shelve", by="班长", role="shift_leader", reason="短时作业", minutes=0.03)
    expect(page.locator("[data-alarm]")).to_have_count(0)
    expect(row(page).locator(".state")).to_contain_text("未确认", timeout=8_000)
    expect(page.locator(FLASHING)).to_have_count(1)


def test_a_refusal_is_said_in_the_words_of_the_service_and_the_dialog_stays(room: RealRoom, page: Page) -> None:
    room.be(level=HIGH)
    operate(page, "停用", "仪表检修")
    dialog = page.locator("dialog.action")
    expect(dialog.locator(".failed")).to_contain_text("未成功：an alarm is taken out of service by a shift leader")
    expect(dialog.locator("input[name=note]")).to_have_value("仪表检修")
    dialog.get_by_label("身份").select_option(label="班长")
    dialog.locator(".act").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="搁置 0 · 设计抑制 0 · 停用 1").click()
    line = page.locator("[data-suppressed]")
    for words in ("停用", "仪表检修", "值班员", "恢复启用前"):
        expect(line).to_contain_text(words)
    line.get_by_role("button", name="恢复启用").click()
    fill(page, "恢复启用", "检修结束", role="班长")
    expect(line).to_have_count(0)
    page.keyboard.press("Escape")
    expect(row(page).locator(".state")).to_contain_text("未确认")


def test_a_latched_alarm_flashes_until_it_is_acknowledged_and_stays_until_it_is_reset(room: RealRoom, page: Page) -> None:
    room.be(temperature=80)
    expect(row(page, "TT-1").locator(".state")).to_contain_text("未确认")
    room.be()
    expect(row(page, "TT-1").locator(".state")).to_contain_text("锁存未确认")
    expect(page.locator(FLASHING)).to_have_count(1)
    expect(row(page, "TT-1").locator("svg.hollow")).to_be_visible()
    acknowledge(page, "TT-1")
    expect(row(page, "TT-1").locator(".state")).to_contain_text("锁存待复位")
    expect(page.locator(FLASHING)).to_have_count(0)
    reset = row(page, "TT-1").get_by_role("button", name="报警操作 TT-1")
    expect(reset).to_have_text("复位")
    reset.click()
    page.locator("dialog .act").click()
    expect(page.locator("[data-alarm]")).to_have_count(0)


def test_what_is_suppressed_by_design_is_counted_with_its_reason(room: RealRoom, page: Page) -> None:
    room.be(level=HIGH)
    expect(page.locator(FLASHING)).to_have_count(1)
    room.be(level=HIGH, pressure=1.8)
    expect(page.locator("[data-alarm]")).to_have_count(0)
    page.locator("header .suppressed").click()
    line = page.locator("[data-suppressed]")
    for words in ("设计抑制", REASON, "条件消失时", "高"):
        expect(line).to_contain_text(words)
    expect(line.get_by_role("button")).to_have_count(0)
    page.keyboard.press("Escape")
    room.be(level=HIGH)
    expect(row(page).locator(".state")).to_contain_text("未确认")
    expect(page.locator("header .suppressed")).to_have_count(0)


def test_verified_disposed_and_commented(room: RealRoom, page: Page) -> None:
    room.be(level=HIGH)
    operate(page, "核实", "液位计零漂", "仪表故障")
    expect(row(page).locator(".history")).to_contain_text("核实 仪表故障")
    expect(row(page).get_by_title("液位计零漂")).to_be_visible()
    operate(page, "处置", "已切换备用液位计")
    expect(row(page).locator(".history")).to_contain_text("已处置")
    operate(page, "备注", "明日复查")
    expect(page.locator("dialog")).to_have_count(0)
    name = row(page).get_attribute("data-alarm")
    events = room.ask(f"/alarms/{name}/events")["items"]
    assert [(event["stimulus"], event["by"]) for event in events[1:]] == [
        ("verify", "值班员"),
        ("dispose", "值班员"),
        ("comment", "值班员"),
    ]
    assert events[-1]["reason"] == "明日复查"


def test_the_first_of_a_source_is_marked_where_others_followed_and_a_return_is_counted(room: RealRoom, page: Page) -> None:
    room.be(level=HIGH)
    expect(row(page)).to_have_count(1)
    expect(page.get_by_text("首发")).to_have_count(0)
    room.be(level=HIGH, temperature=80)
    expect(page.locator("[data-alarm]")).to_have_count(2)
    expect(page.get_by_text("首发")).to_have_count(1)
    expect(row(page).get_by_text("首发")).to_be_visible()
    room.be(temperature=80)
    expect(row(page).locator(".state")).to_contain_text("恢复未确认")
    room.be(level=HIGH, temperature=80)
    expect(row(page).locator(".time")).to_contain_text("×2")


def test_a_selection_is_acknowledged_by_the_service_in_one_go(room: RealRoom, page: Page) -> None:
    room.be(level=HIGH, temperature=80)
    expect(page.locator("[data-alarm]")).to_have_count(2)
    for box in page.locator("[data-alarm] input[type=checkbox]").all():
        box.check()
    page.locator(".toolbar .act").click()
    page.locator("dialog .act").click()
    expect(page.locator(".row.acknowledged")).to_have_count(2)
