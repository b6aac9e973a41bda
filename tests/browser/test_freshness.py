"""The page never claims to be live when it is not, and becomes live again by itself."""

from __future__ import annotations

import time

from browser.stagehand import Json, Stagehand, link, open_page, wait_for_link, wait_until_not_live
from playwright.sync_api import BrowserContext, Page, expect

NOT_LIVE_WITHIN_S = 4.0
PIPELINE_WITHIN_S = 16.0
BACK_WITHIN_S = 10.0


def raise_alarm(stage: Stagehand, page: Page) -> Json:
    """Raise an alarm and see it on the page."""
    [alarm] = stage.raise_alarms({})
    see_it_live(page)
    return alarm


def see_the_banner(page: Page) -> None:
    """Everything that must be so while the page is not live."""
    assert "画面数据不是实时数据 — 数据停滞 " in page.locator("#notice-sentence").inner_text()
    box = page.locator("#notice").bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"]) == (0, 0, 1920)
    assert "实时" not in page.locator("#link-state").inner_text()
    expect(page.locator("[data-alarm] .act")).to_be_disabled()
    expect(page.locator("[data-alarm] .operate")).to_be_disabled()
    assert "grayscale" in page.evaluate("getComputedStyle(document.getElementById('app')).filter")


def see_it_live(page: Page) -> None:
    """Everything that must be so when the page is live again."""
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#link-state")).to_have_text("实时")
    expect(page.locator("[data-alarm] .act")).to_be_enabled()
    expect(page.locator("[data-alarm] .operate")).to_be_enabled()


def test_frames_stop_on_an_open_socket(stage: Stagehand, page: Page) -> None:
    raise_alarm(stage, page)
    stage.behave(frames=False)
    wait_until_not_live(page, NOT_LIVE_WITHIN_S)
    see_the_banner(page)
    stage.behave(frames=True)
    wait_for_link(page, "LIVE", BACK_WITHIN_S)
    see_it_live(page)


def test_an_open_dialog_takes_no_command_while_the_page_is_not_live(stage: Stagehand, page: Page) -> None:
    raise_alarm(stage, page)
    page.locator("[data-alarm] .operate").click()
    dialog = page.locator("dialog.action")
    dialog.get_by_text("备注", exact=True).click()
    dialog.locator("input[name=note]").fill("夜班交接")
    expect(dialog.locator(".act")).to_be_enabled()
    stage.behave(frames=False)
    wait_until_not_live(page, NOT_LIVE_WITHIN_S)
    expect(dialog.locator(".act")).to_be_disabled()
    expect(dialog).to_contain_text("画面不是实时数据，不能操作")


def test_the_list_of_what_is_not_heard_says_so_when_it_is_not_live(stage: Stagehand, page: Page) -> None:
    shelf = {"until": "2026-01-01T08:00:00Z", "by": "班长", "reason": "校验"}
    stage.raise_alarms({"suppressions": ["shelved"], "shelf": shelf})
    page.locator("header .suppressed").click()
    dialog = page.locator("dialog.suppressions")
    expect(dialog.locator(".act")).to_be_enabled()
    stage.behave(frames=False)
    wait_until_not_live(page, NOT_LIVE_WITHIN_S)
    expect(dialog.locator(".act")).to_be_disabled()
    expect(dialog).to_contain_text("画面不是实时数据，不能操作")


def test_the_service_freezes(stage: Stagehand, page: Page) -> None:
    raise_alarm(stage, page)
    stage.freeze()
    wait_until_not_live(page, NOT_LIVE_WITHIN_S)
    see_the_banner(page)
    page.wait_for_timeout(6_000)  # long enough that the page gave its socket up and knocks at a closed door
    assert link(page) == "DOWN"
    stage.thaw()
    wait_for_link(page, "LIVE", BACK_WITHIN_S)
    see_it_live(page)


def test_the_service_is_killed_and_started_again(stage: Stagehand, page: Page) -> None:
    before = raise_alarm(stage, page)
    stage.kill()
    wait_until_not_live(page, NOT_LIVE_WITHIN_S)
    see_the_banner(page)
    page.wait_for_timeout(3_000)
    stage.start()
    wait_for_link(page, "LIVE", BACK_WITHIN_S)
    # another epoch, which knows nothing of the alarm: nothing of the old picture may be left
    expect(page.locator(f"[data-alarm='{before['id']}']")).to_have_count(0)
    raise_alarm(stage, page)


def test_a_proxy_answers_502_in_html(stage: Stagehand, page: Page) -> None:
    raise_alarm(stage, page)
    stage.behave(gateway=False)
    wait_until_not_live(page, NOT_LIVE_WITHIN_S)
    see_the_banner(page)
    page.wait_for_timeout(3_000)
    assert link(page) == "DOWN"
    stage.behave(gateway=True)
    wait_for_link(page, "LIVE", BACK_WITHIN_S)
    see_it_live(page)


def test_nothing_is_committed_any_more(stage: Stagehand, page: Page) -> None:
    raise_alarm(stage, page)
    stage.behave(commits=False)
    took = wait_until_not_live(page, PIPELINE_WITHIN_S)
    assert took > 10  # not at the first missing second
    assert link(page) == "PIPELINE"
    see_the_banner(page)
    stage.behave(commits=True)
    wait_for_link(page, "LIVE", BACK_WITHIN_S)
    see_it_live(page)


def test_frames_come_but_late(stage: Stagehand, page: Page) -> None:
    raise_alarm(stage, page)
    stage.behave(late_s=8)
    wait_until_not_live(page, NOT_LIVE_WITHIN_S)
    see_the_banner(page)
    stage.behave(late_s=0)
    wait_for_link(page, "LIVE", BACK_WITHIN_S)
    see_it_live(page)


def test_a_hole_in_the_sequence_is_not_patched_over(stage: Stagehand, page: Page) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    alarm = raise_alarm(stage, page)
    page.evaluate("""() => {
        window.seen = [];
        new MutationObserver(() => window.seen.push(document.body.dataset.link))
            .observe(document.body, {attributes: true, attributeFilter: ['data-link']});
    }""")
    stage.lose_frame()
    wait_until_not_live(page, NOT_LIVE_WITHIN_S)
    wait_for_link(page, "LIVE", BACK_WITHIN_S)
    assert page.evaluate("window.seen") == ["DOWN", "LIVE"]
    assert len(sockets) == 1  # one more than the one that was open before we listened
    stage.change(alarm, state="normal")
    expect(page.locator("[data-alarm]")).to_have_count(0)


def test_an_hour_on_the_wall_clock_changes_nothing(context: BrowserContext, stage: Stagehand) -> None:
    context.add_init_script("const real = Date.now; window.ahead = 0; Date.now = () => real() + window.ahead")
    page = open_page(context, stage)
    page.evaluate("window.ahead = 3600e3")
    until = time.monotonic() + 2
    while time.monotonic() < until:
        assert link(page) == "LIVE"
        page.wait_for_timeout(100)


def test_values_age_without_the_server(stage: Stagehand, page: Page) -> None:
    tile = page.locator("[data-source='E08-S2']")
    expect(tile).not_to_have_class("blind")
    stage.behave(quiet_sources=["E08-S2"])
    expect(tile.locator(".value.absent")).to_have_count(3, timeout=13_000)
    expect(tile.locator(".box")).to_have_text("全部停滞")
    assert "blind" in (tile.get_attribute("class") or "")
    assert [value[:1] for value in tile.locator(".value b").all_inner_texts()] == ["—"] * 3
    assert link(page) == "LIVE"


def test_the_page_says_so_when_its_own_drawing_fails(stage: Stagehand, page: Page) -> None:
    raise_alarm(stage, page)
    page.evaluate("sessionStorage.setItem('hazmon.reloaded', `frozen ${Math.floor(Date.now() / 600000)}`)")  # once already
    page.evaluate("window.dispatchEvent(new Event('unhandledrejection'))")
    wait_until_not_live(page, NOT_LIVE_WITHIN_S)
    assert link(page) == "FROZEN"
    see_the_banner(page)


def test_a_hanging_script_uncovers_the_last_guard(page: Page) -> None:
    # the page's script cannot be asked while it hangs, so we look at what the compositor puts on the screen
    screen = page.context.new_cdp_session(page)
    shown: list[tuple[float, Json]] = []

    def note(frame: Json) -> None:
        shown.append((time.monotonic(), frame))

    screen.on("Page.screencastFrame", note)
    screen.send("Page.startScreencast", {"format": "png"})
    began = time.monotonic()
    page.evaluate("setTimeout(() => { const end = performance.now() + 5000; while (performance.now() < end); }, 50)")
    acknowledged = 0
    while time.monotonic() < began + 4.5:
        page.wait_for_timeout(50)
        for _, frame in shown[acknowledged:]:
            screen.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})
            acknowledged += 1
    # nothing moves on a page that hangs, unless the guard does
    assert [at - began for at, _ in shown if 1 < at - began < NOT_LIVE_WITHIN_S]
    expect(page.locator("#hung")).to_have_css("opacity", "0", timeout=5_000)  # the script is back
    wait_for_link(page, "LIVE", BACK_WITHIN_S)


def test_the_last_guard_stands_above_everything(page: Page) -> None:
    page.evaluate("document.getElementById('hung').getAnimations()[0].finish()")
    style = page.evaluate("""() => { const of = getComputedStyle(document.getElementById('hung'));
        return [of.opacity, of.position, of.zIndex, of.backgroundColor] }""")
    assert style == ["1", "fixed", "100", "rgb(0, 0, 0)"]
    expect(page.locator("#hung")).to_have_text("画面已停止更新 — 不是实时数据")
