/**
 * Is what the page shows the plant now? Pure: every moment is an argument, in ms of `performance.now()`, which no clock
 * change moves. Server times enter only as differences between themselves.
 */

export const SILENT_MS = 3_000;
/** Two clocks may part by so much of the time that passes; without it a page that stands for days would call itself late. */
const DRIFT = 2e-4;
export const WATERMARK_MS = 15_000;

/** FROZEN: frames arrive but the page no longer draws them. */
export type LinkState = "LIVE" | "STALE" | "DOWN" | "PIPELINE" | "FROZEN";

export interface Evidence {
  /** When the page began to wait for its first frame. */
  readonly since: number;
  /** A snapshot of the present connection has been taken. */
  readonly connected: boolean;
  readonly frameAt: number | null;
  /** Greatest (server time - arrival) on this connection: the frame that travelled fastest. */
  readonly skew: number | null;
  /** How much longer than that the last stamped frame was under way. */
  readonly delay: number;
  readonly serverTime: number | null;
  readonly serverTimeAt: number;
  readonly watermark: number | null;
  readonly watermarkAt: number;
}

export interface Verdict {
  readonly state: LinkState;
  /** Age of the youngest data the page can vouch for. */
  readonly stagnant: number;
}

export function waiting(now: number): Evidence {
  return {
    since: now,
    connected: false,
    frameAt: null,
    skew: null,
    delay: 0,
    serverTime: null,
    serverTimeAt: now,
    watermark: null,
    watermarkAt: now,
  };
}

export interface Stamp {
  readonly serverTime: number;
  readonly watermark: number | null;
}

/** A frame arrived at `now`. Deltas carry no stamp; `first` is the snapshot that begins a connection. */
export function heard(seen: Evidence, now: number, stamp: Stamp | null, first: boolean): Evidence {
  if (stamp === null) return { ...seen, frameAt: now };
  const offset = stamp.serverTime - now;
  const drifted = (now - seen.serverTimeAt) * DRIFT;
  const skew = first || seen.skew === null ? offset : Math.max(seen.skew - drifted, offset);
  return {
    ...seen,
    connected: seen.connected || first,
    frameAt: now,
    skew,
    delay: skew - offset,
    serverTime: stamp.serverTime,
    serverTimeAt: now,
    watermark: stamp.watermark,
    watermarkAt: stamp.watermark === seen.watermark ? seen.watermarkAt : now,
  };
}

export function closed(seen: Evidence): Evidence {
  return { ...seen, connected: false };
}

/** Server time at `now`, or null before the first frame. It runs on when frames stop, so values age without them. */
export function serverNow(seen: Evidence, now: number): number | null {
  return seen.skew === null ? null : seen.skew + now;
}

export function judge(seen: Evidence, now: number, painting = true): Verdict {
  const silent = now - (seen.frameAt ?? seen.since) + seen.delay;
  const behind = seen.watermark === null || seen.serverTime === null ? now - seen.since : watermarkAge(seen, now);
  const stagnant = Math.max(silent, behind);
  if (!seen.connected) return { state: "DOWN", stagnant };
  if (silent > SILENT_MS) return { state: "STALE", stagnant };
  if (seen.watermark === null || behind > WATERMARK_MS) return { state: "PIPELINE", stagnant };
  if (!painting) return { state: "FROZEN", stagnant };
  return { state: "LIVE", stagnant };
}

/** By the server's clock and by ours: a server whose clock stands still cannot make an old commit look young. */
function watermarkAge(seen: Evidence, now: number): number {
  const atServer = (seen.serverTime ?? 0) - (seen.watermark ?? 0) + (now - seen.serverTimeAt);
  return Math.max(atServer, now - seen.watermarkAt, 0);
}
