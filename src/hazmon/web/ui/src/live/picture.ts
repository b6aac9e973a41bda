/** The plant as the last frames painted it: columns for the values, maps for the rest. */

import type { Alarm, Delta, Edge, Health, Point, Sample, Snapshot, Source } from "./messages";

export const GOOD = 0;
/** Codes from here on carry no value. */
export const NO_VALUE = 128;

export interface Picture {
  readonly epoch: string;
  readonly version: string;
  readonly park: Snapshot["park"];
  readonly sources: readonly Source[];
  readonly sourceById: ReadonlyMap<string, Source>;
  readonly points: readonly Point[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** Point indices of each source. */
  readonly pointsOf: ReadonlyMap<string, readonly number[]>;
  /** One per point; NaN = none. */
  readonly value: Float64Array;
  readonly quality: Uint8Array;
  /** ms UTC of the newest sample, whatever its quality; NaN = never. */
  readonly at: Float64Array;
  /** ms UTC of the newest good sample, and that sample; NaN = never. */
  readonly goodAt: Float64Array;
  readonly goodValue: Float64Array;
  readonly alarms: Map<string, Alarm>;
  readonly edges: Map<string, Edge>;
  health: Health;
}

export interface Changes {
  values: boolean;
  alarms: boolean;
  edges: boolean;
}

export function paint(snapshot: Snapshot): Picture {
  const count = snapshot.points.length;
  const pointsOf = new Map<string, number[]>(snapshot.sources.map((source) => [source.id, []]));
  snapshot.points.forEach((point, index) => pointsOf.get(point.source)?.push(index));
  const picture: Picture = {
    epoch: snapshot.epoch,
    version: snapshot.version,
    park: snapshot.park,
    sources: snapshot.sources,
    sourceById: new Map(snapshot.sources.map((source) => [source.id, source])),
    points: snapshot.points,
    indexOf: new Map(snapshot.points.map((point, index) => [point.id, index])),
    pointsOf,
    value: new Float64Array(count).fill(Number.NaN),
    quality: new Uint8Array(count).fill(NO_VALUE),
    at: new Float64Array(count).fill(Number.NaN),
    goodAt: new Float64Array(count).fill(Number.NaN),
    goodValue: new Float64Array(count).fill(Number.NaN),
    alarms: new Map(),
    edges: new Map(),
    health: snapshot.health,
  };
  absorb(picture, snapshot);
  return picture;
}

/** Apply what changed to `picture`, in place. Throws RangeError on a value for a point nobody declared. */
export function absorb(picture: Picture, delta: Pick<Delta, "values" | "alarms" | "edges" | "health">): Changes {
  const { values = [], alarms = [], edges = [], health } = delta;
  for (const sample of values) put(picture, sample);
  for (const alarm of alarms) {
    if (alarm.state === "normal" && alarm.suppressions.length === 0) picture.alarms.delete(alarm.id);
    else picture.alarms.set(alarm.id, alarm);
  }
  for (const edge of edges) picture.edges.set(edge.edge, edge);
  if (health !== undefined) picture.health = health;
  return { values: values.length > 0, alarms: alarms.length > 0, edges: edges.length > 0 || health !== undefined };
}

function put(picture: Picture, [index, value, quality, at]: Sample): void {
  if (!(index >= 0 && index < picture.points.length)) throw new RangeError(`no point ${index}`);
  picture.value[index] = value ?? Number.NaN;
  picture.quality[index] = quality;
  picture.at[index] = at;
  if (quality === GOOD && value !== null) {
    picture.goodAt[index] = at;
    picture.goodValue[index] = value;
  }
}
