/** What this station shows: signals that the views read. Only `page.ts` and the views' own actions write them. */

import { computed, signal } from "@preact/signals";
import { type LinkState } from "./live/freshness";
import type { Alarm, Point } from "./live/messages";
import type { Picture } from "./live/picture";
import type { Action } from "./alarms/actions";
import {
  byUrgency,
  count,
  countSuppressed,
  crowded,
  EVERYTHING,
  type Filter,
  holdPlaces,
  isActive,
  isSuppressed,
  passes,
  worstBySource,
} from "./alarms/order";
import { QUIET, type Station } from "./sound/plan";
import { type Language, text, type TextKey } from "./text";

/** Choices that outlive a reload of the page. */
const kept = {
  read: (name: string): string | null => localStorage.getItem(`hazmon.${name}`),
  write: (name: string, value: string): void => localStorage.setItem(`hazmon.${name}`, value),
};

export const language = signal<Language>(kept.read("language") === "en" ? "en" : "zh");
export const operator = signal<string | null>(kept.read("operator"));

export function speak(next: Language): void {
  language.value = next;
  kept.write("language", next);
}

export function signOn(name: string): void {
  operator.value = name;
  kept.write("operator", name);
}

export const t = (key: TextKey, filled?: Readonly<Record<string, string | number>>): string => text(language.value, key, filled);

/** Replaced by each snapshot; its columns change in place, which `valuesRevision` and `edgesRevision` tell. */
export const picture = signal<Picture | null>(null);
export const valuesRevision = signal(0);
export const edgesRevision = signal(0);
export const alarms = signal<ReadonlyMap<string, Alarm>>(new Map());

export const linkState = signal<LinkState>("DOWN");
export const stagnant = signal(0);
export const isLive = computed(() => linkState.value === "LIVE");
/** Server time in ms UTC, a step a second; 0 before the first frame. */
export const second = signal(0);

export const sound = signal<Station>(QUIET);
export const soundRuns = signal(true);
export const versionDiffers = signal(false);

export const filter = signal<Filter>(EVERYTHING);
export const selected = signal<ReadonlySet<string>>(new Set());
/** Alarms the open dialog is about. */
export const asking = signal<readonly string[] | null>(null);

/** Acknowledgements on their way, and why the last one failed. The alarm itself changes only by the stream. */
export type Errand = { readonly state: "sending" } | { readonly state: "failed"; readonly why: string };
export const errands = signal<ReadonlyMap<string, Errand>>(new Map());

/** The alarm that the open dialog is about, as it was when it opened, and what is to be done with it. */
export const acting = signal<{ readonly alarm: Alarm; readonly action: Action } | null>(null);
export const showsSuppressed = signal(false);

/** Alarms that may be heard, and those that may not; the second are counted and listed by themselves. */
export const audible = computed<readonly Alarm[]>(() => [...alarms.value.values()].filter((alarm) => !isSuppressed(alarm)));
export const suppressed = computed<readonly Alarm[]>(() => [...alarms.value.values()].filter(isSuppressed));

export const counts = computed(() => count(audible.value));
export const suppressedCounts = computed(() => countSuppressed(suppressed.value));
export const worst = computed(() => worstBySource(audible.value));
export const severalOf = computed(() => crowded(audible.value));
export const alarmedPoints = computed<ReadonlySet<string>>(() => new Set(audible.value.filter(isActive).map((alarm) => alarm.point)));

/** Row ids in their places while a pointer is down on the list. */
export const heldPlaces = signal<readonly string[] | null>(null);
export const listed = computed<readonly Alarm[]>(() => {
  const sorted = audible.value.filter((alarm) => passes(alarm, filter.value)).sort(byUrgency);
  return heldPlaces.value === null ? sorted : holdPlaces(sorted, heldPlaces.value);
});

export function pointOf(alarm: Alarm): Point | undefined {
  const index = picture.value?.indexOf.get(alarm.point);
  return index === undefined ? undefined : picture.value?.points[index];
}

/** What is in alarm, in the language of the page; the alarm itself carries only the Chinese name. */
export function alarmName(alarm: Alarm): string {
  return named(pointOf(alarm) ?? alarm);
}

/** The name in the language of the page. */
export function named(thing: { readonly name: string; readonly name_en?: string | null }): string {
  return language.value === "en" && thing.name_en ? thing.name_en : thing.name;
}
