/** Sending an acknowledgement. Whether it happened, only the stream tells: nothing here changes an alarm. */

import type { Alarm } from "./live/messages";
import { isUnacknowledged } from "./alarms/order";
import { alarms, errands, type Errand, t } from "./station";

const PATIENCE_MS = 10_000;

export function acknowledge(ids: readonly string[], by: string, note: string): void {
  for (const id of ids) void send(id, by, note);
}

async function send(id: string, by: string, note: string): Promise<void> {
  mark(id, { state: "sending" });
  const why = await post(id, by, note);
  if (why !== null) mark(id, { state: "failed", why });
  else setTimeout(() => errands.value.has(id) && mark(id, { state: "failed", why: t("acknowledge.timeout") }), PATIENCE_MS);
}

/** Null when the service took it, else why not. */
async function post(id: string, by: string, note: string): Promise<string | null> {
  try {
    const response = await fetch(`/api/v1/alarms/${encodeURIComponent(id)}/acknowledge`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ by, note }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return response.ok ? null : await reason(response);
  } catch (error) {
    return t(error instanceof DOMException && error.name === "TimeoutError" ? "acknowledge.timeout" : "acknowledge.network");
  }
}

async function reason(response: Response): Promise<string> {
  const bare = `HTTP ${response.status}`;
  if (!(response.headers.get("Content-Type") ?? "").includes("json")) return bare;
  const problem = (await response.json()) as { detail?: string; title?: string };
  return problem.detail ?? problem.title ?? bare;
}

function mark(id: string, errand: Errand): void {
  if (!stillOpen(alarms.value.get(id))) return;
  errands.value = new Map(errands.value).set(id, errand);
}

const stillOpen = (alarm: Alarm | undefined): boolean => alarm !== undefined && isUnacknowledged(alarm);

/** Forget errands of alarms that the stream says are acknowledged or gone. */
export function settleErrands(): void {
  const open = [...errands.value].filter(([id]) => stillOpen(alarms.value.get(id)));
  if (open.length !== errands.value.size) errands.value = new Map(open);
}
