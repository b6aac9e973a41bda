/** The order of frames on one connection. Pure. A hole is never patched over: it ends the connection. */

import type { Frame } from "./messages";

export interface Cursor {
  readonly epoch: string;
  readonly seq: number;
}

/** The cursor after `frame`, or null when the frame does not follow: then everything is fetched anew. */
export function follow(cursor: Cursor | null, frame: Frame): Cursor | null {
  if (frame.type === "snapshot") return { epoch: frame.epoch, seq: frame.seq };
  if (cursor === null) return null;
  if (frame.type === "delta") return frame.seq === cursor.seq + 1 ? { ...cursor, seq: frame.seq } : null;
  if (frame.epoch !== undefined && frame.epoch !== cursor.epoch) return null;
  return frame.seq === cursor.seq ? cursor : null;
}
