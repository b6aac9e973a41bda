/**
 * The "not live" banner, the link chip and the grey page: plain DOM, outside the component tree, because they must tell
 * the truth above all when that tree has failed.
 */

import type { LinkState, Verdict } from "./live/freshness";
import { age, minutes } from "./format";
import { type Language, text } from "./text";

const found = (id: string): HTMLElement => {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no #${id}`);
  return element;
};

const banner = found("notice");
const sentence = found("notice-sentence");
const reason = found("notice-reason");
const hung = found("hung");

let shown: LinkState | null = null;

export function showLink({ state, stagnant }: Verdict, database: "ok" | "down", language: Language): void {
  if (state !== shown) {
    shown = state;
    document.body.dataset["link"] = state;
    banner.hidden = state === "LIVE";
  }
  if (state !== "LIVE") {
    put(sentence, text(language, "banner.main", { age: minutes(stagnant) }));
    const why = state === "PIPELINE" && database === "down" ? "banner.database" : (`banner.${state}` as const);
    put(reason, text(language, why, { age: age(stagnant) }));
  }
  put(hung, text(language, "banner.hung"));
  const chip = document.getElementById("link-state");
  if (chip !== null) put(chip, text(language, `link.${state}`));
  const dataAge = document.getElementById("link-age");
  if (dataAge !== null) put(dataAge, text(language, "link.age", { age: age(stagnant) }));
}

/**
 * Wind up the last guard: an animation that the compositor runs without this thread and that uncovers `#hung` unless it
 * is begun anew in time. A page whose script hangs cannot tell so in any other way.
 */
export function beat(): void {
  hung.dataset["beat"] = hung.dataset["beat"] === "a" ? "b" : "a";
}

function put(element: HTMLElement, words: string): void {
  if (element.textContent !== words) element.textContent = words;
}
