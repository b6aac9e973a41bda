/** Which sound is due. Pure: `now` is an argument, in ms. */

import type { Alarm } from "../live/messages";

export const MUTE_MS = 180_000;
export const NOT_LIVE_MS = 10_000;

/** P1 two tones without end, P2 every 5 s, P3 once, the system tone when the page is not live. */
export type Tone = "P1" | "P2" | "P3" | "SYSTEM";

export interface Station {
  /** Alarms this station has sounded for. */
  readonly heard: ReadonlySet<string>;
  readonly mutedUntil: number | null;
  /** P3 alarms whose single sound is due. */
  readonly once: boolean;
}

export const QUIET: Station = { heard: new Set(), mutedUntil: null, once: false };

const rings = (alarm: Alarm): boolean => alarm.state === "unacknowledged" && !alarm.late && alarm.priority <= 3;

/** The alarms changed. A new one lifts the mute: silence was asked for those that stood, not for those to come. */
export function listen(station: Station, alarms: Iterable<Alarm>): Station {
  const heard = new Set<string>();
  let fresh = false;
  let once = false;
  for (const alarm of alarms) {
    if (!rings(alarm)) continue;
    heard.add(alarm.id);
    if (station.heard.has(alarm.id)) continue;
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
