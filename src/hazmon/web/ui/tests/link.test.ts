import { beforeEach, describe, expect, it } from "vitest";
import { judge } from "../src/live/freshness";
import { ABANDON_MS, backoff, Link, type Socket } from "../src/live/link";
import { decode, type Frame } from "../src/live/messages";
import { follow } from "../src/live/sequence";
import { at, NOON, snapshot } from "./park";

class Wire implements Socket {
  open = true;
  constructor(
    readonly message: (data: unknown) => void,
    readonly closed: () => void,
  ) {}
  close(): void {
    this.open = false; // as a black-holed peer: no close event ever comes
  }
  send(frame: object): void {
    this.message(JSON.stringify(frame));
  }
}

let now = 0;
let wires: Wire[] = [];
let arrivals = 0;
let link: Link;

const last = (): Wire => wires[wires.length - 1] as Wire;
const beat = (seq: number, ms = now) => ({ type: "heartbeat", seq, server_time: at(NOON + ms), watermark: at(NOON + ms) });

/** Let time pass in ticks of 200 ms. */
function pass(ms: number, each: () => void = () => undefined): void {
  for (const end = now + ms; now < end; ) {
    now += 200;
    each();
    link.tick();
  }
}

beforeEach(() => {
  now = 0;
  wires = [];
  arrivals = 0;
  link = new Link(
    {
      now: () => now,
      random: () => 1,
      connect: (message, closed) => {
        wires.push(new Wire(message, closed));
        return last();
      },
    },
    () => (arrivals += 1),
  );
  link.tick();
});

const connect = (): void => last().send(snapshot({}, NOON + now));

describe("a link", () => {
  it("hands over the snapshot and the deltas behind it, in order, and no heartbeat", () => {
    connect();
    last().send({ type: "delta", seq: 1 });
    last().send(beat(1));
    last().send({ type: "delta", seq: 2 });
    expect(link.take().map(({ type, seq }) => [type, seq])).toEqual([["snapshot", 0], ["delta", 1], ["delta", 2]]);
    expect(link.take()).toEqual([]);
    expect(arrivals).toBe(4);
  });

  it.each([
    ["a hole in the sequence", { type: "delta", seq: 2 }],
    ["a frame that came twice", { type: "delta", seq: 0 }],
    ["a heartbeat that knows of more than we got", beat(1)],
    ["a heartbeat of another epoch", { ...beat(0), epoch: "b2" }],
    ["a frame of no known type", { type: "gossip", seq: 1 }],
    ["a frame without a sequence", { type: "delta" }],
    ["a snapshot without a time", { ...snapshot(), server_time: "noon" }],
  ])("drops everything on %s", (_, frame) => {
    connect();
    last().send(frame);
    expect(link.take()).toEqual([]);
    expect(last().open).toBe(false);
    expect(judge(link.evidence, now).state).toBe("DOWN");
    pass(400);
    expect(wires).toHaveLength(2);
    connect();
    expect(judge(link.evidence, now).state).toBe("LIVE");
  });

  it.each([["not json"], ["[1, 2"], ["null"], ['"words"'], ["<html>502</html>"]])("drops everything on %j", (data) => {
    connect();
    last().message(data);
    expect(judge(link.evidence, now).state).toBe("DOWN");
  });

  it("takes nothing before a snapshot", () => {
    last().send({ type: "delta", seq: 1 });
    expect(link.take()).toEqual([]);
    expect(wires[0]?.open).toBe(false);
  });

  it("throws frames away that wait behind a hole", () => {
    connect();
    last().send({ type: "delta", seq: 1 });
    last().send({ type: "delta", seq: 3 });
    expect(link.take()).toEqual([]);
  });

  it("gives a silent socket up after 6 s and opens another", () => {
    connect();
    pass(ABANDON_MS);
    expect(wires).toHaveLength(1);
    pass(600);
    expect(wires).toHaveLength(2);
    expect(wires[0]?.open).toBe(false);
  });

  it("gives up a socket that never opens", () => {
    pass(ABANDON_MS + 600);
    expect(wires).toHaveLength(2);
  });

  it("hears nothing of a socket that was given up", () => {
    connect();
    const old = last();
    pass(ABANDON_MS + 600);
    connect();
    old.send({ type: "delta", seq: 7 });
    old.closed();
    expect(judge(link.evidence, now).state).toBe("LIVE");
    expect(last().open).toBe(true);
  });

  it("keeps a socket that speaks", () => {
    connect();
    pass(60_000, () => last().send(beat(0)));
    expect(wires).toHaveLength(1);
  });

  it("waits longer from attempt to attempt, at most 5 s, and shortly again after a steady connection", () => {
    for (let n = 0; n < 10; n += 1) {
      last().closed();
      pass(5_200);
    }
    const tried = wires.length;
    last().closed();
    pass(4_800);
    expect(wires).toHaveLength(tried);
    pass(400);
    expect(wires).toHaveLength(tried + 1);
    connect();
    pass(6_000, () => last().send(beat(0)));
    last().closed();
    pass(400);
    expect(wires).toHaveLength(tried + 2);
  });

  it("does not sit out its wait when the network comes back", () => {
    for (let n = 0; n < 10; n += 1) {
      last().closed();
      pass(5_200);
    }
    last().closed();
    const tried = wires.length;
    link.wake();
    expect(wires).toHaveLength(tried + 1);
  });

  it("does not trust a socket that was silent while the page slept", () => {
    connect();
    now += ABANDON_MS / 2 + 1;
    link.wake();
    expect(wires).toHaveLength(2);
  });
});

describe("back-off", () => {
  it("doubles from 0.25 s to 5 s, less a random half", () => {
    expect([0, 1, 2, 3, 4, 5, 50].map((attempt) => backoff(attempt, 1))).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
    expect(backoff(5, 0)).toBe(2500);
  });
});

describe("the sequence", () => {
  it("begins anew with a snapshot, whatever was before", () => {
    const frame = decode(JSON.stringify(snapshot({ epoch: "b2", seq: 41 }))) as Frame;
    expect(follow({ epoch: "a1", seq: 7 }, frame)).toEqual({ epoch: "b2", seq: 41 });
  });
});
