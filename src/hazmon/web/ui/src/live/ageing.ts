/** How old what we show is. Pure. The page ages values by itself, so a stuck server cannot keep one fresh. */

import type { Edge, Point, Source } from "./messages";
import { GOOD, type Picture } from "./picture";

const HEARTBEAT_LOST_MS = 15_000;

export interface Reading {
  /** NaN unless it may be shown as the plant now. */
  readonly value: number;
  /** ms since the last good sample; null when there never was one. */
  readonly age: number | null;
  readonly last: number;
  readonly quality: number;
  readonly stale: boolean;
}

export function staleAfter(point: Point): number {
  return (point.stale_s ?? Math.max(3 * point.period_s, 10)) * 1000;
}

export function readingAt(picture: Picture, index: number, now: number): Reading {
  const point = picture.points[index];
  const at = picture.at[index] ?? Number.NaN;
  const goodAt = picture.goodAt[index] ?? Number.NaN;
  const quality = picture.quality[index] ?? 255;
  const stale = point === undefined || !(Math.abs(now - at) <= staleAfter(point));
  return {
    value: quality === GOOD && !stale ? (picture.value[index] ?? Number.NaN) : Number.NaN,
    age: Number.isNaN(goodAt) ? null : Math.max(0, now - goodAt),
    last: picture.goodValue[index] ?? Number.NaN,
    quality,
    stale,
  };
}

export type BoxState = Edge["state"];

/** A box that fell silent is silent even if nobody told us. */
export function boxState(edge: Edge | undefined, now: number): BoxState {
  if (edge === undefined || edge.last_heartbeat === null) return "never";
  if (edge.state !== "ok") return edge.state;
  return now - Date.parse(edge.last_heartbeat) > HEARTBEAT_LOST_MS ? "silent" : "ok";
}

export interface SourceCondition {
  readonly box: BoxState;
  /** Points without a value that may be shown, of `points`. */
  readonly missing: number;
  readonly points: number;
  /** Nothing this source shows can be trusted: draw it hatched. */
  readonly blind: boolean;
}

export function sourceCondition(picture: Picture, source: Source, now: number): SourceCondition {
  const box = boxState(picture.edges.get(source.edge), now);
  const indices = picture.pointsOf.get(source.id) ?? [];
  const missing = indices.filter((index) => Number.isNaN(readingAt(picture, index, now).value)).length;
  return { box, missing, points: indices.length, blind: box !== "ok" || missing === indices.length };
}
