/** Which alarms are shown, in which order, and what may be done with them. Pure. */

import type { Alarm, Priority, Suppression } from "../live/messages";

export const SELECT_MOST = 20;

/** Somebody has yet to look at it. */
export const isUnacknowledged = (alarm: Alarm): boolean =>
  alarm.state === "unacknowledged" || alarm.state === "returned_unacknowledged" || alarm.state === "latched_unacknowledged";

/** Shelved, suppressed by design or out of service: counted and listed by itself, never flashing, never heard. */
export const isSuppressed = (alarm: Alarm): boolean => alarm.suppressions.length > 0;

export const isActive = (alarm: Alarm): boolean => alarm.state === "unacknowledged" || alarm.state === "acknowledged";

export const isLatched = (alarm: Alarm): boolean =>
  alarm.state === "latched_unacknowledged" || alarm.state === "latched_acknowledged";

/** Calls for eyes: it stands, or latched, and nobody has acknowledged it. */
export const flashes = (alarm: Alarm): boolean =>
  !isSuppressed(alarm) && (alarm.state === "unacknowledged" || alarm.state === "latched_unacknowledged");

/** Drawn hollow: the condition is over, the alarm is not. */
export const isOver = (alarm: Alarm): boolean => alarm.state === "returned_unacknowledged" || isLatched(alarm);

/** The plant is not seen, rather than seen to be wrong. */
export const isDataFailure = (rule: string): boolean => ["STALE", "QUALITY", "RANGE", "STUCK", "ERROR"].includes(rule);

/** Of the rules of one kind, which is the worse. */
export const severity = (rule: string): number => (rule === "HH" || rule === "LL" ? 1 : 0);

/** The worst status, where it is worse than the present one. */
export function worseBefore(alarm: Alarm): { readonly rule: string; readonly value: number | null } | null {
  if (alarm.worst === null || severity(alarm.worst.rule) <= severity(alarm.rule)) return null;
  return { rule: alarm.worst.rule, value: alarm.peak ?? alarm.worst.value };
}

/** Sources of which several alarms are shown: there the first-out mark tells a cause from its consequences. */
export function crowded(alarms: Iterable<Alarm>): ReadonlySet<string> {
  const once = new Set<string>();
  const more = new Set<string>();
  for (const { source } of alarms) (once.has(source) ? more : once).add(source);
  return more;
}

export const SUPPRESSIONS: readonly Suppression[] = ["shelved", "suppressed_by_design", "out_of_service"];

/** Suppressed alarms by why; one that is so for two reasons counts in both. */
export function countSuppressed(alarms: Iterable<Alarm>): Readonly<Record<Suppression, number>> {
  const counts: Record<Suppression, number> = { shelved: 0, suppressed_by_design: 0, out_of_service: 0 };
  for (const alarm of alarms) for (const why of alarm.suppressions) counts[why] += 1;
  return counts;
}

/** Unacknowledged first, then priority, then the newest; the id settles the rest, so the order never wavers. */
export function byUrgency(a: Alarm, b: Alarm): number {
  return (
    Number(isUnacknowledged(b)) - Number(isUnacknowledged(a)) ||
    a.priority - b.priority ||
    Date.parse(b.raised_at) - Date.parse(a.raised_at) ||
    (a.id < b.id ? -1 : 1)
  );
}

export interface Filter {
  readonly enterprise: string | null;
  readonly source: string | null;
}

export const EVERYTHING: Filter = { enterprise: null, source: null };

export function passes(alarm: Alarm, filter: Filter): boolean {
  if (filter.source !== null) return alarm.source === filter.source;
  return filter.enterprise === null || alarm.enterprise === filter.enterprise;
}

/** While a finger is on the list no row may move under it: known rows keep their places, new ones queue at the end. */
export function holdPlaces(sorted: readonly Alarm[], held: readonly string[]): readonly Alarm[] {
  const place = new Map(held.map((id, index) => [id, index]));
  const at = (alarm: Alarm) => place.get(alarm.id) ?? Number.MAX_SAFE_INTEGER;
  return [...sorted].sort((a, b) => at(a) - at(b));
}

export interface Count {
  readonly active: number;
  readonly unacknowledged: number;
}

/** Active and unacknowledged alarms per priority, index 0 = priority 1. */
export function count(alarms: Iterable<Alarm>): readonly Count[] {
  const counts = [1, 2, 3, 4].map(() => ({ active: 0, unacknowledged: 0 }));
  for (const alarm of alarms) {
    const cell = counts[alarm.priority - 1];
    if (cell === undefined) continue;
    if (isActive(alarm)) cell.active += 1;
    if (isUnacknowledged(alarm)) cell.unacknowledged += 1;
  }
  return counts;
}

export interface Worst {
  readonly priority: Priority;
  readonly rule: string;
  readonly active: boolean;
  readonly unacknowledged: boolean;
}

/** The worst alarm of each source: active before returned, then priority; it flashes if any of that kind is unacknowledged. */
export function worstBySource(alarms: Iterable<Alarm>): ReadonlyMap<string, Worst> {
  const worst = new Map<string, Worst>();
  for (const alarm of alarms) {
    const other = worst.get(alarm.source);
    const mine: Worst = {
      priority: alarm.priority,
      rule: alarm.rule,
      active: isActive(alarm),
      unacknowledged: flashes(alarm),
    };
    const order = other === undefined ? -1 : Number(other.active) - Number(mine.active) || mine.priority - other.priority;
    if (order < 0 || (order === 0 && mine.unacknowledged && !other?.unacknowledged)) worst.set(alarm.source, mine);
  }
  return worst;
}

/** `selected` after a click on `id`; unchanged when it would exceed the most that may be acknowledged at once. */
export function toggle(selected: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(selected);
  if (!next.delete(id) && next.size < SELECT_MOST) next.add(id);
  return next;
}

/** Selected alarms that can still be acknowledged. */
export function keepSelectable(selected: ReadonlySet<string>, alarms: ReadonlyMap<string, Alarm>): ReadonlySet<string> {
  const kept = [...selected].filter((id) => {
    const alarm = alarms.get(id);
    return alarm !== undefined && isUnacknowledged(alarm) && !isSuppressed(alarm);
  });
  return kept.length === selected.size ? selected : new Set(kept);
}
