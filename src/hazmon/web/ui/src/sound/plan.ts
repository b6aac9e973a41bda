/** Which sound is due. Pure: `now` is an argument, in ms. */

import { flashes, severity } from "../alarms/order";
import type { Alarm } from "../live/messages";

export const MUTE_MS = 180_000;
export const NOT_LIVE_MS = 10_000;

/** P1 two tones without end, P2 every 5 s, P3 once, the system tone when the page is not live. */
export type Tone = "P1" | "P2" | "P3" | "SYSTEM";

/** What of an alarm this station has sounded for: how often it was raised by then, and how bad it was. */
interface Heard {
  readonly raised: number;
  readonly severity: number;
}

export interface Station {
  /** By alarm, as long as it sounds. */
  readonly heard: ReadonlyMap<string, Heard>;
  readonly mutedUntil: number | null;
  /** P3 alarms whose single sound is due. */
  readonly once: boolean;
}

export const QUIET: Station = { heard: new Map(), mutedUntil: null, once: false };

/** A latched alarm sounds on until somebody has seen it: that the gas is gone by now does not say that it was never there. */
const rings = (alarm: Alarm): boolean => flashes(alarm) && !alarm.late && alarm.priority <= 3;

/** The alarms changed. A new, a returning or a worse one lifts the mute: silence was asked for those that stood. */
export function listen(station: Station, alarms: Iterable<Alarm>): Station {
  const heard = new Map<string, Heard>();
  let fresh = false;
  let once = false;
  for (const alarm of alarms) {
    if (!rings(alarm)) continue;
    const now = { raised: alarm.raised_count, severity: severity(alarm.rule) };
    heard.set(alarm.id, now);
    const before = station.heard.get(alarm.id);
    if (before !== undefined && before.raised >= now.raised && before.severity >= now.severity) continue;
    fresh = true;
    once ||= alarm.priority === 3;
  }
  return { heard, mutedUntil: fresh ? null : station.mutedUntil, once };
}

export function mute(station: Station, now: number): Station {
  return { ...station, mutedUntil: now + MUTE_MS };
}

export function isMuted(station: Station, now: number): boolean {
  return station.mutedUntil !== null && now < station.mutedUntil;
}

/** The lasting tone due now: the most urgent one. `notLiveFor` is 0 while the page is live. */
export function toneDue(station: Station, alarms: Iterable<Alarm>, notLiveFor: number, now: number): Tone | null {
  if (isMuted(station, now)) return null;
  let urgent = 4;
  for (const alarm of alarms) if (rings(alarm)) urgent = Math.min(urgent, alarm.priority);
  if (urgent === 1) return "P1";
  if (notLiveFor > NOT_LIVE_MS) return "SYSTEM";
  return urgent === 2 ? "P2" : null;
}
