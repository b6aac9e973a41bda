/** The frames of `/api/v1/live`, as the service sends them. Times are ISO-8601 UTC unless a name ends in `_ms`. */

export type Priority = 1 | 2 | 3 | 4;
export type AlarmState =
  | "normal"
  | "unacknowledged"
  | "acknowledged"
  | "returned_unacknowledged"
  | "latched_unacknowledged"
  | "latched_acknowledged";

/** Why an alarm is not to be heard; each is on or off by itself. */
export type Suppression = "shelved" | "suppressed_by_design" | "out_of_service";

/** Whether its condition can be judged; an alarm that is not ok keeps its state. */
export type Judgement = "ok" | "stale" | "bad_quality" | "error";

export type Verdict = "real" | "false" | "maintenance" | "test" | "instrument_fault";

/** A status that was reached. */
export interface Mark {
  readonly rule: string;
  readonly at: string;
  readonly value: number | null;
  readonly limit: number | null;
}

/** One record through the whole rise and fall of a condition: `rule`, `value` and `limit` are of the present status. */

export interface Alarm {
  readonly id: string;
  readonly enterprise: string;
  readonly source: string;
  readonly tag: string;
  readonly point: string;
  readonly name: string;
  /** What the record follows: HIGH rises from H to HH and falls back. */
  readonly kind: string;
  readonly rule: string;
  readonly active: boolean;
  /** Of the worst status. */
  readonly priority: Priority;
  readonly state: AlarmState;
  readonly suppressions: readonly Suppression[];
  readonly health: Judgement;
  readonly latching: boolean;
  readonly first_out: boolean;
  readonly opened_at: string;
  readonly raised_at: string;
  readonly raised_count: number;
  readonly acknowledged_at: string | null;
  readonly acknowledged_by: string | null;
  readonly cleared_at: string | null;
  readonly value: number | null;
  readonly limit: number | null;
  readonly unit: string;
  readonly first: Mark | null;
  readonly worst: Mark | null;
  /** The furthest its value went. */
  readonly peak: number | null;
  readonly peak_at: string | null;
  /** Steps of the escalation taken: 1 operations, 2 technical, 3 principal. */
  readonly overdue: number;
  readonly verified: { readonly at: string; readonly by: string; readonly verdict: Verdict; readonly note: string } | null;
  readonly disposed: { readonly at: string; readonly by: string; readonly note: string } | null;
  readonly shelf: { readonly until: string; readonly by: string; readonly reason: string } | null;
  readonly by_design: string | null;
  /** Found while replaying a backlog: part of the record, never of the horn. */
  readonly late: boolean;
  /** False while the database has not confirmed it. */
  readonly recorded: boolean;
  readonly event: number;
}

export interface Source {
  readonly id: string;
  readonly enterprise: string;
  readonly enterprise_name: string;
  readonly enterprise_name_en?: string;
  readonly name: string;
  readonly name_en: string;
  readonly level: string;
  readonly r: number;
  readonly unit_type: string;
  readonly edge: string;
}

export interface Point {
  readonly id: string;
  readonly source: string;
  readonly tag: string;
  readonly name: string;
  readonly name_en: string;
  readonly quantity: string;
  readonly uom: string;
  readonly low: number | null;
  readonly high: number | null;
  readonly period_s: number;
  readonly stale_s?: number;
}

export interface Edge {
  readonly edge: string;
  readonly state: "ok" | "silent" | "never";
  readonly last_heartbeat: string | null;
  readonly outbox_batches: number;
  readonly outbox_bytes: number;
  readonly clock_offset_ms: number | null;
  readonly connections: readonly {
    readonly name: string;
    readonly state: string;
    readonly last_error: string | null;
    readonly since: string | null;
  }[];
}

export interface Health {
  readonly database: "ok" | "down";
  readonly unrecorded: number;
}

/** Index into `points`, value, quality code, time in ms UTC. */
export type Sample = readonly [index: number, value: number | null, quality: number, at_ms: number];

export interface Snapshot {
  readonly type: "snapshot";
  readonly epoch: string;
  readonly seq: number;
  readonly version: string;
  readonly server_time: string;
  readonly watermark: string | null;
  readonly park: { readonly name: string; readonly name_en: string };
  readonly sources: readonly Source[];
  readonly points: readonly Point[];
  readonly values: readonly Sample[];
  readonly alarms: readonly Alarm[];
  readonly edges: readonly Edge[];
  readonly health: Health;
}

export interface Delta {
  readonly type: "delta";
  readonly seq: number;
  readonly values?: readonly Sample[];
  readonly alarms?: readonly Alarm[];
  readonly edges?: readonly Edge[];
  readonly health?: Health;
}

export interface Heartbeat {
  readonly type: "heartbeat";
  readonly seq: number;
  readonly epoch?: string;
  readonly server_time: string;
  readonly watermark: string | null;
}

export type Frame = Snapshot | Delta | Heartbeat;

/** The frame in `text`, or null when it is none of ours. A frame that cannot be read is a hole in the stream. */
export function decode(text: string): Frame | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof found !== "object" || found === null) return null;
  const { type, seq } = found as { type?: unknown; seq?: unknown };
  if (!Number.isSafeInteger(seq)) return null;
  if (type !== "snapshot" && type !== "delta" && type !== "heartbeat") return null;
  if (type !== "delta" && Number.isNaN(Date.parse((found as { server_time: string }).server_time))) return null;
  return found as Frame;
}
