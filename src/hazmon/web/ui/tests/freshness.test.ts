import { describe, expect, it } from "vitest";
import { closed, type Evidence, heard, judge, serverNow, waiting } from "../src/live/freshness";
import { NOON } from "./park";

/** A link whose service stamps each frame with its clock and commits `lag` ms before; page clock 0 is NOON. */
function fed(from: number, to: number, { lag = 500, watermark }: { lag?: number; watermark?: number | null } = {}, before = waiting(from)): Evidence {
  let seen = before;
  for (let now = from; now <= to; now += 1_000) {
    const mark = watermark === undefined ? NOON + now - lag : watermark;
    seen = heard(seen, now, { serverTime: NOON + now, watermark: mark }, now === from);
  }
  return seen;
}

describe("the link", () => {
  it("is down until the first snapshot, and its wait counts as stagnation", () => {
    expect(judge(waiting(0), 4_000)).toEqual({ state: "DOWN", stagnant: 4_000 });
  });

  it("is live while frames arrive", () => {
    expect(judge(fed(0, 60_000), 60_900).state).toBe("LIVE");
  });

  it.each([
    [3_000, "LIVE"],
    [3_001, "STALE"],
  ])("%i ms after the last frame is %s", (silence, state) => {
    expect(judge(fed(0, 10_000), 10_000 + silence).state).toBe(state);
  });

  it("is down at once when its socket closes, and stays so until a new snapshot", () => {
    const lost = closed(fed(0, 10_000));
    expect(judge(lost, 10_001).state).toBe("DOWN");
    expect(judge(heard(lost, 10_500, null, false), 10_600).state).toBe("DOWN");
    expect(judge(fed(11_000, 11_000, {}, lost), 11_001).state).toBe("LIVE");
  });

  it("is not live when it arrives but no longer gets drawn", () => {
    expect(judge(fed(0, 10_000), 10_100, false).state).toBe("FROZEN");
  });
});

describe("the watermark", () => {
  it.each([
    [15_000, "LIVE"],
    [15_001, "PIPELINE"],
  ])("%i ms old is %s", (lag, state) => {
    expect(judge(fed(0, 60_000, { lag }), 60_000)).toEqual({ state, stagnant: lag });
  });

  it("ages between frames", () => {
    expect(judge(fed(0, 10_000, { lag: 13_000 }), 12_500)).toEqual({ state: "PIPELINE", stagnant: 15_500 });
  });

  it("that never was makes nothing live", () => {
    expect(judge(fed(0, 1_000, { watermark: null }), 1_000).state).toBe("PIPELINE");
  });

  it("that stands still ages by our clock when the server's clock stands still as well", () => {
    let seen = waiting(0);
    for (let now = 0; now <= 16_000; now += 1_000) {
      // a new connection each time, or the frozen stamp would already be taken for delay
      seen = heard(seen, now, { serverTime: NOON, watermark: NOON }, true);
    }
    expect(judge(seen, 16_000)).toEqual({ state: "PIPELINE", stagnant: 16_000 });
  });

  it("survives a reconnection: the same old commit is not news", () => {
    const lost = closed(fed(0, 10_000, { watermark: NOON }));
    expect(judge(fed(20_000, 20_000, { watermark: NOON }, lost), 20_000).state).toBe("PIPELINE");
  });

  it("ahead of the server's clock counts as fresh", () => {
    expect(judge(fed(0, 5_000, { lag: -2_000 }), 5_000)).toEqual({ state: "LIVE", stagnant: 0 });
  });
});

describe("delay", () => {
  it("makes frames stale that keep arriving but come ever later", () => {
    let seen = fed(0, 5_000);
    // from here each second brings a frame only half a second newer: a link that cannot keep up
    for (let n = 1; n <= 7; n += 1) {
      seen = heard(seen, 5_000 + n * 1_000, { serverTime: NOON + 5_000 + n * 500, watermark: NOON + 5_000 + n * 500 }, false);
    }
    const { state, stagnant } = judge(seen, 12_000);
    expect(state).toBe("STALE");
    expect(stagnant).toBeCloseTo(3_500, -1); // clocks are allowed to part by a trifle
  });

  it("is forgotten with the connection", () => {
    const slow = heard(fed(0, 5_000), 15_000, { serverTime: NOON + 6_000, watermark: NOON + 6_000 }, false);
    expect(judge(slow, 15_000).state).toBe("STALE");
    expect(judge(fed(16_000, 16_000, {}, closed(slow)), 16_000).state).toBe("LIVE");
  });
});

describe("server time", () => {
  it("is unknown before the first frame", () => {
    expect(serverNow(waiting(0), 5_000)).toBeNull();
  });

  it("runs on when frames stop", () => {
    expect(serverNow(fed(0, 10_000), 70_000)).toBe(NOON + 70_000);
  });

  it("does not stand still because the server's stamp does", () => {
    const stuck = heard(fed(0, 10_000), 15_000, { serverTime: NOON + 10_000, watermark: NOON }, false);
    expect(serverNow(stuck, 15_000)).toBeCloseTo(NOON + 15_000, -1);
  });

  it("stays live through days in which the two clocks part by 50 millionths", () => {
    let seen = waiting(0);
    for (let now = 0; now <= 3 * 86_400_000; now += 60_000) {
      const server = NOON + now * (1 - 50e-6);
      seen = heard(seen, now, { serverTime: server, watermark: server }, now === 0);
    }
    expect(judge(seen, 3 * 86_400_000 + 500).state).toBe("LIVE");
  });
});
