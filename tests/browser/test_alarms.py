"""The alarm list: what it shows, in which order, and that only the service acknowledges."""

from __future__ import annotations

import pytest
from browser.stagehand import Json, Stagehand, a_context, open_page
from playwright.sync_api import Browser, Page, expect


def acknowledge(page: Page, note: str = "现场确认中") -> None:
    """Fill in the open dialog and confirm."""
    page.locator("dialog input[name=note]").fill(note)
    page.locator("dialog .act").click()


def shown(page: Page) -> list[str | None]:
    """Ids of the rows from above."""
    return [row.get_attribute("data-alarm") for row in page.locator("[data-alarm]").all()]


def test_a_row_says_everything(stage: Stagehand, page: Page) -> None:
    [alarm] = stage.raise_alarms({"point": "E01/LT-1011", "value": 12.3456, "late": True, "recorded": False})
    row = page.locator(f"[data-alarm='{alarm['id']}']")
    for words in ("紧急", "1#液氨球罐液位", "示例企业01", "液氨球罐区", "LT-1011", "高高", "HH", "12.35 m", "限值 12.00"):
        expect(row).to_contain_text(words)
    expect(row.locator(".state")).to_contain_text("未确认")
    expect(row.get_by_title("来自断网期间补传的数据")).to_have_text("补传")
    expect(row.get_by_title("数据库尚未确认写入")).to_have_text("记录待补")
    expect(row.locator(".flash svg.p1 text")).to_have_text("1")
    expect(page.locator("header .counts li").first).to_contain_text("活动 1")
    tile = page.locator("[data-source='E01-S1']")
    expect(tile.locator(".flash svg.p1")).to_be_visible()


@pytest.mark.parametrize(
    ("fields", "cell", "words"),
    [
        ({"health": "bad_quality"}, ".state .doubt", "数据不可判"),
        ({"overdue": 2}, ".history", "超时未确认 → 技术"),
        ({"raised_count": 3}, ".time", "×3"),
        ({"rule": "FORECAST_UP", "value": 6.4, "unit": "min"}, ".rule", "上升趋势预警"),
        ({"rule": "H", "peak": 12.6, "worst": {"rule": "HH", "at": "2026-01-01T08:00:00Z", "value": 12.1, "limit": 12}}, ".rule",
         "最高 HH 12.60"),
    ],
)  # fmt: skip
def test_a_row_says_what_is_out_of_the_ordinary(stage: Stagehand, page: Page, fields: Json, cell: str, words: str) -> None:
    stage.raise_alarms(fields)
    expect(page.locator(f"[data-alarm] {cell}")).to_contain_text(words)


def test_nobody_is_overdue_once_the_alarm_is_acknowledged(stage: Stagehand, page: Page) -> None:
    [alarm] = stage.raise_alarms({"overdue": 1})
    expect(page.locator("[data-alarm] .history")).to_have_text("超时未确认 → 操作")
    stage.change(alarm, state="acknowledged")
    expect(page.locator("[data-alarm].acknowledged .history")).to_have_count(0)


def test_a_suppressed_alarm_neither_stands_in_the_list_nor_flashes_nor_speaks(stage: Stagehand, page: Page) -> None:
    stage.raise_alarms({"suppressions": ["shelved"]}, {"point": "E02/LT-1011", "suppressions": ["out_of_service"]})
    expect(page.get_by_role("button", name="搁置 1 · 设计抑制 0 · 停用 1")).to_be_visible()
    expect(page.get_by_text("当前没有报警")).to_be_visible()
    expect(page.locator(".flash")).to_have_count(0)
    expect(page.locator(".tile .icon")).to_have_count(0)
    expect(page.locator(".spoken")).to_have_text("")
    expect(page.locator("header .counts .open")).to_have_count(0)


def test_the_order_is_unacknowledged_then_priority_then_newest(stage: Stagehand, page: Page) -> None:
    low, done, old, new = stage.raise_alarms(
        {"priority": 4, "point": "E02/LT-1011"},
        {"priority": 1, "point": "E03/LT-1011", "state": "acknowledged"},
        {"priority": 2, "point": "E04/LT-1011", "raised_at": "2025-06-01T04:00:00Z"},
        {"priority": 2, "point": "E05/LT-1011", "raised_at": "2025-06-01T04:00:01Z"},
    )
    expect(page.locator("[data-alarm]")).to_have_count(4)
    assert shown(page) == [new["id"], old["id"], low["id"], done["id"]]


def test_a_row_that_moves_down_as_it_is_acknowledged_is_bold_no_more(stage: Stagehand, page: Page) -> None:
    first, *others = stage.raise_alarms(*({"priority": 2, "point": point} for point in stage.points()[:4]))
    expect(page.locator("[data-alarm]")).to_have_count(4)
    top = shown(page)[0]
    stage.change(next(alarm for alarm in (first, *others) if alarm["id"] == top), state="acknowledged")
    row = page.locator(f"[data-alarm='{top}']")
    expect(row.locator(".state")).to_contain_text("已确认")
    assert shown(page)[-1] == top
    for text in row.locator("b").all():
        expect(text).to_have_css("font-weight", "400")


def test_acknowledged_only_after_the_service_confirmed(stage: Stagehand, page: Page) -> None:
    [alarm] = stage.raise_alarms({})
    stage.behave(acknowledge_after_s=1.5)
    row = page.locator(f"[data-alarm='{alarm['id']}']")
    row.locator(".act").click()
    expect(page.locator("dialog input[name=by]")).to_have_value("值班员")
    expect(page.locator("dialog .act")).to_be_disabled()  # an urgent alarm needs a note
    acknowledge(page)
    expect(row.locator(".act")).to_have_text("发送中…")
    page.wait_for_timeout(700)
    expect(row.locator(".state")).to_contain_text("未确认")
    expect(row.locator(".flash")).to_have_count(1)
    expect(row.locator(".state")).to_contain_text("已确认", timeout=3_000)
    expect(row.locator(".acknowledge")).to_contain_text("值班员")
    expect(row.locator(".flash")).to_have_count(0)


@pytest.mark.parametrize(
    ("answer", "said"), [("conflict", "未成功：报警已由他人确认"), ("unrecorded", "未成功：数据库无响应，确认未记录")]
)
def test_a_refused_acknowledgement_leaves_the_alarm_as_it_is(stage: Stagehand, page: Page, answer: str, said: str) -> None:
    [alarm] = stage.raise_alarms({"priority": 2})
    stage.behave(acknowledge=answer)
    row = page.locator(f"[data-alarm='{alarm['id']}']")
    row.locator(".act").click()
    acknowledge(page, note="")  # not urgent: no note asked for
    expect(row.locator(".failed")).to_have_text(said)
    expect(row.locator(".state")).to_contain_text("未确认")
    expect(row.locator(".act")).to_be_enabled()


def test_a_selection_is_acknowledged_together_and_holds_twenty(stage: Stagehand, page: Page) -> None:
    raised = stage.raise_alarms(*({"priority": 3, "point": point} for point in stage.points()[:22]))
    expect(page.locator("[data-alarm]")).to_have_count(22)
    boxes = page.locator("[data-alarm] input[type=checkbox]")
    for n in range(20):
        boxes.nth(n).check()
    expect(boxes.nth(20)).to_be_disabled()
    page.keyboard.press("a")
    expect(page.locator("dialog li")).to_have_count(20)
    acknowledge(page)
    expect(page.locator("[data-alarm].acknowledged")).to_have_count(20)
    expect(page.locator("[data-alarm].unacknowledged")).to_have_count(2)
    assert len(raised) == 22


def test_a_returned_alarm_stays_hollow_until_acknowledged(stage: Stagehand, page: Page) -> None:
    [alarm] = stage.raise_alarms({"priority": 2})
    stage.change(alarm, state="returned_unacknowledged", cleared_at=alarm["raised_at"])
    row = page.locator(f"[data-alarm='{alarm['id']}']")
    expect(row.locator("svg.hollow")).to_be_visible()
    expect(row.locator(".flash")).to_have_count(0)
    row.locator(".act").click()
    acknowledge(page)
    expect(row).to_have_count(0)


def test_a_tile_filters_the_list_and_the_list_says_what_it_hides(stage: Stagehand, page: Page) -> None:
    stage.raise_alarms({"point": "E01/LT-1011"}, {"point": "E02/LT-1011"}, {"point": "E02/LT-2011", "state": "acknowledged"})
    expect(page.locator("[data-alarm]")).to_have_count(3)
    page.locator("[data-source='E01-S1']").click()
    expect(page.locator("[data-alarm]")).to_have_count(1)
    expect(page.locator(".toolbar .warning")).to_have_text("筛选已隐藏 2 条报警，其中未确认 1 条")
    page.get_by_role("button", name="清除筛选").click()
    page.get_by_label("企业").select_option("E02")
    expect(page.locator("[data-alarm]")).to_have_count(2)


def test_a_hundred_alarms_in_one_second_are_painted_within_half_a_second(stage: Stagehand, page: Page) -> None:
    # the second animation frame after the hundredth row is in the document: then it is on the screen
    page.evaluate("""() => {
        window.painted = new Promise(resolve => {
            new MutationObserver((_, observer) => {
                if (document.querySelectorAll('[data-alarm]').length < 100) return;
                observer.disconnect();
                requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
            }).observe(document.querySelector('.rows'), {childList: true});
        });
    }""")
    points = stage.points()
    sent = page.evaluate("performance.now()")
    for part in range(10):
        stage.raise_alarms(*({"point": points[part * 10 + n], "priority": n % 4 + 1} for n in range(10)))
    last = page.evaluate("performance.now()")
    painted = page.evaluate("window.painted")
    assert last - sent < 1_000
    assert painted - last < 500


def test_urgent_alarms_alone_are_spoken(stage: Stagehand, page: Page) -> None:
    stage.raise_alarms({"priority": 2})
    expect(page.locator("[data-alarm]")).to_have_count(1)
    expect(page.locator(".spoken")).to_have_text("")
    stage.raise_alarms({"priority": 1, "point": "E04/LT-1011"})
    expect(page.locator(".spoken")).to_contain_text("紧急报警")


def test_without_motion_an_outline_stands_for_the_flash(browser: Browser, stage: Stagehand) -> None:
    with a_context(browser, reduced_motion="reduce") as context:
        page = open_page(context, stage)
        stage.raise_alarms({})
        expect(page.locator("[data-alarm] .flash")).to_have_count(1)
        style = "getComputedStyle(document.querySelector('[data-alarm] .flash'), '::before')"
        assert page.evaluate(f"{style}.animationName") == "none"
        assert page.evaluate(f"{style}.borderTopWidth") == "3px"


def test_flashing_is_at_one_hertz_and_in_step(stage: Stagehand, page: Page) -> None:
    stage.raise_alarms({"point": "E01/LT-1011"})
    page.wait_for_timeout(300)
    stage.raise_alarms({"point": "E02/LT-1011"})
    expect(page.locator("[data-alarm] .flash")).to_have_count(2)
    page.wait_for_timeout(300)  # animations start with the next frame
    phases = page.evaluate("""() => document.getAnimations().filter(a => a.animationName === 'flash')
        .map(a => [a.startTime, a.effect.getComputedTiming().duration])""")
    assert len(phases) == 4  # two rows, two tiles
    assert all(phase == [0, 1000] for phase in phases)
