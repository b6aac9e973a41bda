import { describe, expect, it } from "vitest";
import { boxState, readingAt, sourceCondition } from "../src/live/ageing";
import type { Source } from "../src/live/messages";
import { absorb, paint } from "../src/live/picture";
import { mainPoints } from "../src/tile-points";
import { alarm, at, NOON, snapshot } from "./park";

const source = (id: string): Source => snapshot().sources.find((one) => one.id === id) as Source;

describe("a picture", () => {
  it("applies what changed and nothing else", () => {
    const picture = paint(snapshot({ alarms: [alarm("a"), alarm("b")] }));
    const changes = absorb(picture, { values: [[2, 9.5, 0, NOON + 1]], alarms: [alarm("a", { state: "normal" })] });
    expect(changes).toEqual({ values: true, alarms: true, edges: false });
    expect([...picture.value]).toEqual([1, 2, 9.5, 4]);
    expect([...picture.alarms.keys()]).toEqual(["b"]);
  });

  it("keeps an alarm that is normal as long as something suppresses it", () => {
    const picture = paint(snapshot({ alarms: [alarm("a", { state: "normal", suppressions: ["shelved"] })] }));
    expect([...picture.alarms.keys()]).toEqual(["a"]);
    absorb(picture, { alarms: [alarm("a", { state: "normal" })] });
    expect([...picture.alarms.keys()]).toEqual([]);
  });

  it.each([[4], [-1], [Number.NaN]])("refuses a value for point %s, which nobody declared", (index) => {
    expect(() => absorb(paint(snapshot()), { values: [[index, 1, 0, NOON]] })).toThrow(RangeError);
  });
});

describe("a reading", () => {
  it("of one-second cadence is shown for 10 s, without any help of the server", () => {
    const picture = paint(snapshot());
    expect(readingAt(picture, 0, NOON + 10_000)).toMatchObject({ value: 1, stale: false });
    expect(readingAt(picture, 0, NOON + 10_001)).toMatchObject({ value: Number.NaN, age: 10_001, last: 1, stale: true });
  });

  it("of one-minute cadence is shown for three minutes", () => {
    const picture = paint(snapshot());
    expect(readingAt(picture, 1, NOON + 180_000).stale).toBe(false);
    expect(readingAt(picture, 1, NOON + 180_001).stale).toBe(true);
  });

  it.each([1, 4, 7, 128, 129])("of quality %i is not shown, and its age runs from the last good one", (quality) => {
    const picture = paint(snapshot());
    absorb(picture, { values: [[0, quality < 128 ? 7.7 : null, quality, NOON + 3_000]] });
    expect(readingAt(picture, 0, NOON + 4_000)).toMatchObject({ value: Number.NaN, age: 4_000, last: 1, stale: false });
  });

  it("that never was has no age", () => {
    const picture = paint(snapshot({ values: [] }));
    expect(readingAt(picture, 0, NOON)).toMatchObject({ value: Number.NaN, age: null, stale: true });
  });
});

describe("a source", () => {
  it("is blind when its box is silent, even if its last values were fine", () => {
    const picture = paint(snapshot());
    absorb(picture, { edges: [{ ...(picture.edges.get("E01") as never as object), state: "silent" } as never] });
    expect(sourceCondition(picture, source("E01-S1"), NOON)).toEqual({ box: "silent", missing: 0, points: 2, blind: true });
  });

  it("is blind when its box has not spoken for 15 s, whatever the server says of it", () => {
    const picture = paint(snapshot());
    const edge = picture.edges.get("E01");
    expect(boxState(edge, NOON + 15_000)).toBe("ok");
    expect(boxState(edge, NOON + 15_001)).toBe("silent");
    expect(boxState(undefined, NOON)).toBe("never");
  });

  it("is blind when all its values are stale", () => {
    const picture = paint(snapshot());
    absorb(picture, { values: [[2, 1, 129, NOON], [3, 1, 129, NOON]] });
    expect(sourceCondition(picture, source("E01-S2"), NOON)).toMatchObject({ box: "ok", missing: 2, blind: true });
    absorb(picture, { values: [[3, 1, 0, NOON]] });
    expect(sourceCondition(picture, source("E01-S2"), NOON)).toMatchObject({ missing: 1, blind: false });
  });
});

describe("a tile", () => {
  const { points } = snapshot();

  it("shows the first point of each quantity", () => {
    expect(mainPoints([1, 0], points, new Set())).toEqual([0, 1]);
    expect(mainPoints([2, 3], points, new Set())).toEqual([2]);
  });

  it("shows the point in alarm first, instead of its neighbour", () => {
    expect(mainPoints([2, 3], points, new Set(["E01/LT-1202"]))).toEqual([3]);
    expect(mainPoints([0, 1], points, new Set(["E01/TT-1101"]))).toEqual([1, 0]);
  });
});

describe("a box", () => {
  it("that has never been heard is not online", () => {
    const edge = { ...(paint(snapshot()).edges.get("E01") as object), last_heartbeat: null };
    expect(boxState(edge as never, Date.parse(at(NOON)))).toBe("never");
  });
});
