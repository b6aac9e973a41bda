/** Sending an acknowledgement of one alarm or of a selection. Whether it happened, only the stream tells. */

import type { Alarm } from "./live/messages";
import { isUnacknowledged } from "./alarms/order";
import { ask, PATIENCE_MS } from "./service";
import { alarms, errands, type Errand, t } from "./station";

interface Outcome {
  readonly alarm: string;
  readonly done: boolean;
  readonly why: string | null;
}

/** At most 20 alarms; each is acknowledged or refused by itself. */
export async function acknowledge(ids: readonly string[], by: string, note: string): Promise<void> {
  for (const id of ids) mark(id, { state: "sending" });
  const answer = await ask("/alarms/acknowledge", { alarms: ids, by, note });
  const refused = "why" in answer ? ids.map((id) => [id, answer.why] as const) : refusals(answer.body as readonly Outcome[]);
  for (const [id, why] of refused) mark(id, { state: "failed", why });
  setTimeout(() => ids.filter(isSending).forEach((id) => mark(id, { state: "failed", why: t("command.timeout") })), PATIENCE_MS);
}

const refusals = (outcomes: readonly Outcome[]): readonly (readonly [string, string])[] =>
  outcomes.filter(({ done }) => !done).map(({ alarm, why }) => [alarm, why ?? ""]);

const isSending = (id: string): boolean => errands.value.get(id)?.state === "sending";

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
