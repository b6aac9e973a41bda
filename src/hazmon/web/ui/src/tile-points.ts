/** Which of a source's points its tile shows. Pure. */

import type { Point } from "./live/messages";

const SHOWN = 3;
const RANK = ["level", "pressure", "temperature", "toxic_gas", "combustible_gas", "oxygen", "flow", "humidity", "smoke", "power"];

/**
 * Indices of at most three points, one a quantity. A point in alarm goes before its neighbours and its quantity before
 * the others, so that the number that matters is on the wall; otherwise the choice never changes.
 */
export function mainPoints(indices: readonly number[], points: readonly Point[], alarmed: ReadonlySet<string>): readonly number[] {
  const best = new Map<string, number>();
  const inAlarm = (index: number) => alarmed.has(points[index]?.id ?? "");
  for (const index of indices) {
    const name = points[index]?.quantity ?? "";
    const chosen = best.get(name);
    if (chosen === undefined || (inAlarm(index) && !inAlarm(chosen))) best.set(name, index);
  }
  const rank = (name: string) => (RANK.includes(name) ? RANK.indexOf(name) : RANK.length);
  const urgency = ([name, index]: readonly [string, number]) => (inAlarm(index) ? 0 : 100) + rank(name);
  return [...best]
    .sort((a, b) => urgency(a) - urgency(b))
    .slice(0, SHOWN)
    .map(([, index]) => index);
}
