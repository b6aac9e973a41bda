/** Asking the service over HTTP. What came of it, the stream tells: nothing here changes an alarm. */

import { t } from "./station";

export const PATIENCE_MS = 10_000;

/** The answer's body, or why there is none, in the service's own words where it has any. */
export type Answer = { readonly body: unknown } | { readonly why: string };

/** `path` below `/api/v1`; a `body` makes it a POST. */
export async function ask(path: string, body?: object): Promise<Answer> {
  try {
    const response = await fetch(`/api/v1${path}`, {
      ...(body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return response.ok ? { body: await response.json() } : { why: await reason(response) };
  } catch (error) {
    return { why: t(error instanceof DOMException && error.name === "TimeoutError" ? "command.timeout" : "command.network") };
  }
}

async function reason(response: Response): Promise<string> {
  const bare = `HTTP ${response.status}`;
  if (!(response.headers.get("Content-Type") ?? "").includes("json")) return bare;
  const problem = (await response.json()) as { detail?: string; title?: string };
  return problem.detail ?? problem.title ?? bare;
}
