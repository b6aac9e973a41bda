import { describe, expect, it } from "vitest";
import { byUrgency, count, holdPlaces, keepSelectable, passes, SELECT_MOST, toggle, worstBySource } from "../src/alarms/order";
import { isMuted, listen, mute, MUTE_MS, NOT_LIVE_MS, QUIET, toneDue } from "../src/sound/plan";
import { alarm, at, NOON } from "./park";

describe("the order", () => {
  it("is unacknowledged first, then priority, then the newest", () => {
    const alarms = [
      alarm("acknowledged", { state: "acknowledged", priority: 1 }),
      alarm("low", { priority: 4 }),
      alarm("old", { priority: 2, raised_at: at(NOON - 1_000) }),
      alarm("new", { priority: 2, raised_at: at(NOON) }),
      alarm("returned", { priority: 1, state: "returned_unacknowledged" }),
    ];
    expect(alarms.sort(byUrgency).map(({ id }) => id)).toEqual(["returned", "new", "old", "low", "acknowledged"]);
  });

  it("does not move a row under the finger: new ones queue behind", () => {
    const sorted = [alarm("new"), alarm("a", { priority: 2 }), alarm("b", { priority: 3 })];
    expect(holdPlaces(sorted, ["b", "a", "gone"]).map(({ id }) => id)).toEqual(["b", "a", "new"]);
  });

  it("filters by enterprise or by source", () => {
    expect(passes(alarm("a"), { enterprise: "E01", source: null })).toBe(true);
    expect(passes(alarm("a"), { enterprise: "E02", source: null })).toBe(false);
    expect(passes(alarm("a"), { enterprise: "E01", source: "E01-S2" })).toBe(false);
  });

  it("counts active and unacknowledged apart", () => {
    const counts = count([alarm("a"), alarm("b", { state: "acknowledged" }), alarm("c", { state: "returned_unacknowledged", priority: 3 })]);
    expect(counts[0]).toEqual({ active: 2, unacknowledged: 1 });
    expect(counts[2]).toEqual({ active: 0, unacknowledged: 1 });
  });
});

describe("the worst of a source", () => {
  it("is an active alarm before a returned one, whatever its priority, and flashes if any of its kind is unacknowledged", () => {
    const worst = worstBySource([
      alarm("returned", { state: "returned_unacknowledged", priority: 1 }),
      alarm("seen", { state: "acknowledged", priority: 3 }),
      alarm("open", { priority: 3 }),
      alarm("minor", { priority: 4 }),
    ]);
    expect(worst.get("E01-S1")).toEqual({ priority: 3, rule: "HH", active: true, unacknowledged: true });
  });
});

describe("a selection", () => {
  it("holds twenty at most", () => {
    const full = Array.from({ length: SELECT_MOST }, (_, n) => `a${n}`).reduce(toggle, new Set<string>() as ReadonlySet<string>);
    expect(full.size).toBe(20);
    expect(toggle(full, "one more").size).toBe(20);
    expect(toggle(full, "a3").has("a3")).toBe(false);
  });

  it("forgets what can no longer be acknowledged", () => {
    const alarms = new Map([alarm("a"), alarm("b", { state: "acknowledged" })].map((one) => [one.id, one]));
    expect([...keepSelectable(new Set(["a", "b", "gone"]), alarms)]).toEqual(["a"]);
  });
});

describe("the horn", () => {
  const sounding = (...alarms: ReturnType<typeof alarm>[]) => ({ station: listen(QUIET, alarms), alarms });

  it.each([
    [1, "P1"],
    [2, "P2"],
    [3, null],
    [4, null],
  ] as const)("keeps for priority %i the tone %s", (priority, tone) => {
    const { station, alarms } = sounding(alarm("a", { priority }));
    expect(toneDue(station, alarms, 0, 0)).toBe(tone);
  });

  it("sounds once for a priority 3, also after a reconnection", () => {
    const third = alarm("a", { priority: 3 });
    const heard = listen(QUIET, [third]);
    expect(heard.once).toBe(true);
    expect(listen(heard, [third]).once).toBe(false);
  });

  it.each([
    ["acknowledged", { state: "acknowledged" }],
    ["returned", { state: "returned_unacknowledged" }],
    ["late", { late: true }],
  ] as const)("never sounds for an alarm that is %s", (_, changed) => {
    const { station, alarms } = sounding(alarm("a", changed));
    expect(toneDue(station, alarms, 0, 0)).toBeNull();
    expect(station.heard.size).toBe(0);
  });

  it("is muted for three minutes, not longer", () => {
    const { station, alarms } = sounding(alarm("a"));
    const muted = mute(station, 1_000);
    expect(toneDue(muted, alarms, 0, 1_000 + MUTE_MS - 1)).toBeNull();
    expect(toneDue(muted, alarms, 0, 1_000 + MUTE_MS)).toBe("P1");
  });

  it("sounds again for a new alarm, and for one that comes back, but not for a fourth priority", () => {
    const muted = mute(listen(QUIET, [alarm("a")]), 0);
    expect(isMuted(listen(muted, [alarm("a"), alarm("d", { priority: 4 })]), 1)).toBe(true);
    expect(isMuted(listen(muted, [alarm("a"), alarm("b")]), 1)).toBe(false);
    const gone = listen(muted, []);
    expect(isMuted(gone, 1)).toBe(true);
    expect(isMuted(listen(gone, [alarm("a")]), 1)).toBe(false);
  });

  it("warns when the page has not been live for 10 s, unless something more urgent sounds", () => {
    expect(toneDue(QUIET, [], NOT_LIVE_MS, 0)).toBeNull();
    expect(toneDue(QUIET, [], NOT_LIVE_MS + 1, 0)).toBe("SYSTEM");
    expect(toneDue(QUIET, [alarm("a")], NOT_LIVE_MS + 1, 0)).toBe("P1");
    expect(toneDue(QUIET, [alarm("a", { priority: 2 })], NOT_LIVE_MS + 1, 0)).toBe("SYSTEM");
  });
});
