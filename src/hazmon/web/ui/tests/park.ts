import type { Alarm, Snapshot } from "../src/live/messages";

export const NOON = Date.parse("2025-06-01T04:00:00Z");

export const at = (ms: number): string => new Date(ms).toISOString();

export function alarm(id: string, changed: Partial<Alarm> = {}): Alarm {
  return {
    id,
    enterprise: "E01",
    source: "E01-S1",
    tag: "LT-1101",
    point: "E01/LT-1101",
    name: "1#液氨球罐液位",
    kind: "HIGH",
    rule: "HH",
    active: true,
    priority: 1,
    state: "unacknowledged",
    suppressions: [],
    health: "ok",
    latching: false,
    first_out: false,
    opened_at: at(NOON),
    raised_at: at(NOON),
    raised_count: 1,
    acknowledged_at: null,
    acknowledged_by: null,
    cleared_at: null,
    value: 10.6,
    limit: 10.5,
    unit: "m",
    first: { rule: "HH", at: at(NOON), value: 10.6, limit: 10.5 },
    worst: { rule: "HH", at: at(NOON), value: 10.6, limit: 10.5 },
    peak: 10.6,
    peak_at: at(NOON),
    overdue: 0,
    verified: null,
    disposed: null,
    shelf: null,
    by_design: null,
    late: false,
    recorded: true,
    event: 1,
    ...changed,
  };
}

/** One box, two sources of two points each, every value good at `now`. */
export function snapshot(changed: Partial<Snapshot> = {}, now = NOON): Snapshot {
  const sources = ["E01-S1", "E01-S2"].map((id) => ({
    id,
    enterprise: "E01",
    enterprise_name: "示例企业01",
    name: "液氨球罐区",
    name_en: "Liquid ammonia spheres",
    level: "三级",
    r: 14.4,
    unit_type: "storage",
    edge: "E01",
  }));
  const points = [
    { tag: "LT-1101", source: "E01-S1", quantity: "level", period_s: 1 },
    { tag: "TT-1101", source: "E01-S1", quantity: "temperature", period_s: 60 },
    { tag: "LT-1201", source: "E01-S2", quantity: "level", period_s: 1 },
    { tag: "LT-1202", source: "E01-S2", quantity: "level", period_s: 1 },
  ].map((point) => ({ ...point, id: `E01/${point.tag}`, name: point.tag, name_en: point.tag, uom: "m", low: 0, high: 15 }));
  return {
    type: "snapshot",
    epoch: "a1",
    seq: 0,
    version: "",
    server_time: at(now),
    watermark: at(now),
    park: { name: "园区", name_en: "Park" },
    sources,
    points,
    values: points.map((_, index) => [index, index + 1, 0, now] as const),
    alarms: [],
    edges: [
      { edge: "E01", state: "ok", last_heartbeat: at(now), outbox_batches: 0, outbox_bytes: 0, clock_offset_ms: 1, connections: [] },
    ],
    health: { database: "ok", unrecorded: 0 },
    ...changed,
  };
}
