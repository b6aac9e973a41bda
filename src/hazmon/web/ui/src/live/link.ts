/**
 * One connection to the park at a time, and when to give it up. Reads no clock and sets no timer: whoever owns it calls
 * `tick` several times a second, so the whole life of a link can be played in a test.
 */

import { closed, heard, type Evidence, type Stamp, waiting } from "./freshness";
import { decode, type Frame } from "./messages";
import { type Cursor, follow } from "./sequence";

export const ABANDON_MS = 6_000;
const STEADY_MS = 5_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;

/** What a link needs of a WebSocket. */
export interface Socket {
  close(): void;
}

export interface Surroundings {
  now(): number;
  /** 0 <= random() < 1 */
  random(): number;
  connect(message: (data: unknown) => void, closed: () => void): Socket;
}

/** How long to wait before attempt number `attempt` (0, 1, ...): doubling, at most 5 s, a random half taken off. */
export function backoff(attempt: number, random: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2);
}

export class Link {
  evidence: Evidence;
  private socket: Socket | null = null;
  private cursor: Cursor | null = null;
  private frames: Frame[] = [];
  private attempt = 0;
  private startedAt = 0;
  private reopenAt: number;

  /** `arrived` is called when frames wait to be taken. */
  constructor(
    private readonly around: Surroundings,
    private readonly arrived: () => void,
  ) {
    this.evidence = waiting(around.now());
    this.reopenAt = around.now();
  }

  /** Open, give up or leave alone, whatever is due now. */
  tick(): void {
    const now = this.around.now();
    if (this.socket !== null && now - this.lastSign() > ABANDON_MS) this.drop();
    if (this.socket === null && now >= this.reopenAt) this.open(now);
  }

  /** The network or the page came back: do not sit out a wait, do not trust a socket that fell silent meanwhile. */
  wake(): void {
    const now = this.around.now();
    if (this.socket !== null && now - this.lastSign() > ABANDON_MS / 2) this.drop();
    if (this.socket === null) {
      this.attempt = 0;
      this.reopenAt = now;
    }
    this.tick();
  }

  /** Frames in order since the last call; a snapshot among them begins a new picture. */
  take(): readonly Frame[] {
    const frames = this.frames;
    this.frames = [];
    return frames;
  }

  /** End this connection and everything it brought; the next one begins with a snapshot. */
  drop(): void {
    const now = this.around.now();
    const socket = this.socket;
    if (socket === null) return;
    this.socket = null;
    socket.close();
    if (this.evidence.connected && now - this.startedAt > STEADY_MS) this.attempt = 0;
    this.cursor = null;
    this.frames = [];
    this.evidence = closed(this.evidence);
    this.reopenAt = now + backoff(this.attempt, this.around.random());
    this.attempt += 1;
  }

  private open(now: number): void {
    this.startedAt = now;
    // A dead peer never answers the closing handshake: what a socket says after it was given up must not matter.
    const socket: Socket = this.around.connect(
      (data) => socket === this.socket && this.receive(data),
      () => socket === this.socket && this.drop(),
    );
    this.socket = socket;
  }

  private receive(data: unknown): void {
    const frame = typeof data === "string" ? decode(data) : null;
    const cursor = frame === null ? null : follow(this.cursor, frame);
    if (frame === null || cursor === null) {
      this.drop();
      return;
    }
    this.cursor = cursor;
    this.evidence = heard(this.evidence, this.around.now(), stampOf(frame), frame.type === "snapshot");
    if (frame.type === "snapshot") this.frames = [];
    if (frame.type !== "heartbeat") this.frames.push(frame);
    this.arrived();
  }

  private lastSign(): number {
    const { frameAt } = this.evidence;
    return frameAt === null ? this.startedAt : Math.max(this.startedAt, frameAt);
  }
}

function stampOf(frame: Frame): Stamp | null {
  if (frame.type === "delta") return null;
  return {
    serverTime: Date.parse(frame.server_time),
    watermark: frame.watermark === null ? null : Date.parse(frame.watermark),
  };
}
