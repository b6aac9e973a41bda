import { describe, expect, it } from "vitest";
import {
  byUrgency,
  count,
  countSuppressed,
  crowded,
  flashes,
  holdPlaces,
  isDataFailure,
  keepSelectable,
  passes,
  SELECT_MOST,
  toggle,
  worseBefore,
  worstBySource,
} from "../src/alarms/order";
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
      alarm("latched", { priority: 3, state: "latched_unacknowledged" }),
      alarm("waiting", { priority: 2, state: "latched_acknowledged" }),
    ];
    expect(alarms.sort(byUrgency).map(({ id }) => id)).toEqual(["returned", "new", "old", "latched", "low", "acknowledged", "waiting"]);
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

describe("an alarm", () => {
  it.each([
    ["unacknowledged", {}, true],
    ["latched and not acknowledged", { state: "latched_unacknowledged" }, true],
    ["latched and acknowledged", { state: "latched_acknowledged" }, false],
    ["acknowledged", { state: "acknowledged" }, false],
    ["returned", { state: "returned_unacknowledged" }, false],
    ["shelved", { suppressions: ["shelved"] }, false],
    ["suppressed by design and latched", { suppressions: ["suppressed_by_design"], state: "latched_unacknowledged" }, false],
  ] as const)("that is %s flashes or not", (_, changed, expected) => {
    expect(flashes(alarm("a", changed))).toBe(expected);
  });

  it("names its worst status only where that is worse than the present one", () => {
    expect(worseBefore(alarm("a"))).toBeNull();
    expect(worseBefore(alarm("a", { rule: "H", peak: 12.1 }))).toEqual({ rule: "HH", value: 12.1 });
    const mild = { rule: "H", at: at(NOON), value: 10.1, limit: 10 };
    expect(worseBefore(alarm("a", { rule: "H", worst: mild }))).toBeNull();
    expect(worseBefore(alarm("a", { rule: "VOTE", worst: null }))).toBeNull();
  });

  it("counts in every suppression that it is under", () => {
    const hidden = [alarm("a", { suppressions: ["shelved", "out_of_service"] }), alarm("b", { suppressions: ["shelved"] })];
    expect(countSuppressed(hidden)).toEqual({ shelved: 2, suppressed_by_design: 0, out_of_service: 1 });
  });

  it("has company when another of its source is shown", () => {
    expect([...crowded([alarm("a"), alarm("b"), alarm("c", { source: "E01-S2" })])]).toEqual(["E01-S1"]);
  });

  it.each([
    ["STUCK", true],
    ["RANGE", true],
    ["ERROR", true],
    ["VOTE", false],
    ["FORECAST_UP", false],
    ["DEVIATION", false],
  ])("of rule %s tells of the instrument: %s", (rule, expected) => {
    expect(isDataFailure(rule)).toBe(expected);
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
    ["late and latched", { late: true, state: "latched_unacknowledged" }],
    ["latched and seen", { state: "latched_acknowledged" }],
    ["shelved", { suppressions: ["shelved"] }],
    ["suppressed by design", { suppressions: ["suppressed_by_design"] }],
    ["out of service", { suppressions: ["out_of_service"], state: "latched_unacknowledged" }],
  ] as const)("never sounds for an alarm that is %s", (_, changed) => {
    const { station, alarms } = sounding(alarm("a", changed));
    expect(toneDue(station, alarms, 0, 0)).toBeNull();
    expect(station.heard.size).toBe(0);
  });

  it("sounds on for an alarm that latched, as the same call", () => {
    const third = listen(QUIET, [alarm("a", { priority: 3 })]);
    expect(listen(third, [alarm("a", { priority: 3, state: "latched_unacknowledged" })]).once).toBe(false);
    const latched = alarm("a", { state: "latched_unacknowledged" });
    expect(toneDue(QUIET, [latched], 0, 0)).toBe("P1");
  });

  it.each([
    ["gets worse while nobody acknowledged it", { rule: "HH" }, true],
    ["is raised anew", { rule: "H", raised_count: 2 }, true],
    ["is only told again", { rule: "H", event: 9 }, false],
  ] as const)("lifts the mute or not when an alarm that it has sounded for %s", (_, changed, lifted) => {
    const muted = mute(listen(QUIET, [alarm("a", { rule: "H" })]), 0);
    expect(isMuted(listen(muted, [alarm("a", changed)]), 1)).toBe(!lifted);
  });

  it("sounds again for an escalation after it eased", () => {
    const eased = listen(listen(QUIET, [alarm("a")]), [alarm("a", { rule: "H" })]);
    expect(isMuted(listen(mute(eased, 0), [alarm("a")]), 1)).toBe(false);
  });

  it("sounds when an alarm comes back from the shelf", () => {
    const shelved = listen(listen(QUIET, [alarm("a")]), [alarm("a", { suppressions: ["shelved"] })]);
    expect(isMuted(listen(mute(shelved, 0), [alarm("a")]), 1)).toBe(false);
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
