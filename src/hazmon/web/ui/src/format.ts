/** Numbers and times as the room reads them. Pure. */

import type { Point } from "./live/messages";
import { type Language, text } from "./text";

const CHINA_MS = 8 * 3_600_000;

const shanghai = (ms: number): string => new Date(ms + CHINA_MS).toISOString();

/** `12:03:04` in Asia/Shanghai, which has had no summer time since 1991. */
export const clock = (ms: number): string => shanghai(ms).slice(11, 19);

export const calendar = (ms: number): string => shanghai(ms).slice(0, 10);

/** Time of day, with the date before it when it was not today. */
export function moment(ms: number, now: number): string {
  return calendar(ms) === calendar(now) ? clock(ms) : `${shanghai(ms).slice(5, 10)} ${clock(ms).slice(0, 5)}`;
}

/** To the millisecond, with its offset. */
export const exact = (ms: number): string => `${shanghai(ms).slice(0, 23).replace("T", " ")} +08:00`;

/** `0:09`, `12:03`, `1:02:03`; whole seconds, rounded down. */
export function minutes(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const pad = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

export function duration(ms: number, language: Language): string {
  const hours = Math.floor(ms / 3_600_000);
  if (hours < 24) return minutes(ms);
  return text(language, "duration.days", { d: Math.floor(hours / 24), h: hours % 24 });
}

/** Age in as few characters as a tile has: `3s`, `12:03`, `1:02:03`. */
export function age(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1000))}s` : minutes(ms);
}

/** Decimals that the span of the instrument justifies. */
export function decimals(point: Pick<Point, "low" | "high"> | undefined, value: number): number {
  const span = point !== undefined && point.low !== null && point.high !== null ? point.high - point.low : Math.abs(value);
  if (span <= 2) return 3;
  if (span <= 20) return 2;
  return span <= 200 ? 1 : 0;
}

export function quantity(value: number, point: Pick<Point, "low" | "high"> | undefined): string {
  return Number.isFinite(value) ? value.toFixed(decimals(point, value)) : "—";
}

/** A value or limit of an alarm: a forecast speaks in minutes, everything else in the scale of its point. */
export function alarmValue(value: number, rule: string, point: Pick<Point, "low" | "high"> | undefined): string {
  return rule.startsWith("FORECAST") ? value.toFixed(1) : quantity(value, point);
}
