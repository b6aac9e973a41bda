/** What may be asked of an alarm besides an acknowledgement, and how the service is asked. Pure. */

import type { Alarm, Verdict } from "../live/messages";
import { isLatched } from "./order";

export type Action = "verify" | "dispose" | "comment" | "shelve" | "unshelve" | "remove" | "return" | "reset";
export type Role = "operator" | "shift_leader";

export const VERDICTS: readonly Verdict[] = ["real", "false", "maintenance", "test", "instrument_fault"];
export const SHELVE_MINUTES: readonly number[] = [15, 30, 60, 240, 480];

/** What somebody filled in; an action takes of it what it needs. */
export interface Form {
  readonly by: string;
  readonly note: string;
  readonly verdict: Verdict | null;
  readonly role: Role;
  readonly minutes: number;
}

/** Actions that make sense for the alarm as it stands. A late alarm never rings, so there is nothing to keep from being heard. */
export function offered(alarm: Alarm): readonly Action[] {
  const actions: Action[] = ["verify", "dispose", "comment"];
  if (!alarm.late) {
    actions.push(alarm.suppressions.includes("shelved") ? "unshelve" : "shelve");
    actions.push(alarm.suppressions.includes("out_of_service") ? "return" : "remove");
  }
  if (isLatched(alarm)) actions.push("reset");
  return actions;
}

/** Shelving and what is like it are asked of the point and the kind of alarm, and in a role. */
export const isSwitch = (action: Action): boolean => ["shelve", "unshelve", "remove", "return"].includes(action);

/** A word that the record must not be without. */
export const needsNote = (action: Action): boolean => action === "dispose" || action === "comment" || isSwitch(action);

export function isComplete(action: Action, form: Form): boolean {
  const worded = !needsNote(action) || form.note.trim() !== "";
  return form.by.trim() !== "" && worded && (action !== "verify" || form.verdict !== null);
}

/** Path below `/api/v1` and body of the request. */
export function request(action: Action, alarm: Alarm, form: Form): { readonly path: string; readonly body: object } {
  const by = form.by.trim();
  const note = form.note.trim();
  if (isSwitch(action)) {
    const of = `/points/${encodeURIComponent(alarm.enterprise)}/${encodeURIComponent(alarm.tag)}/alarms/${alarm.kind}`;
    const body = { by, role: form.role, reason: note, ...(action === "shelve" && { minutes: form.minutes }) };
    return { path: `${of}/${action}`, body };
  }
  const path = `/alarms/${encodeURIComponent(alarm.id)}/${action}`;
  return { path, body: { by, note, ...(action === "verify" && { verdict: form.verdict }) } };
}
