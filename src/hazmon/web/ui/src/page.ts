/** The page's clockwork: one link, one tick, one repaint per animation frame. */

import { batch } from "@preact/signals";
import { settleErrands } from "./acknowledge";
import { keepSelectable } from "./alarms/order";
import { judge, serverNow } from "./live/freshness";
import { Link } from "./live/link";
import { absorb, paint, type Picture } from "./live/picture";
import { beat, showLink } from "./notice";
import { Horn } from "./sound/horn";
import { isMuted, listen, mute, toneDue } from "./sound/plan";
import * as station from "./station";

declare const __BUNDLE__: string;

const TICK_MS = 200;
const BEAT_MS = 1_000;
/** Hidden pages get no animation frames; frames are then taken by timer. */
const PAINT_FALLBACK_MS = 100;
/** Ticks without a repaint of the clock until the page counts as frozen. */
const FROZEN_TICKS = 15;
/** A page that freezes again is not reloaded more often than this. */
const RELOAD_EVERY_MS = 600_000;

const now = (): number => performance.now();
const horn = new Horn();
const link = new Link({ now, random: Math.random, connect }, schedule);

let scheduled = false;
let awaitingPaint = false;
let unpainted = 0;
let broken = false;
let notLiveSince: number | null = null;
let beatAt = 0;
/** Values are redrawn by the tick; only alarms and boxes are worth a repaint a frame. */
let valuesWait = false;

/** The component tree drew the present second: it is alive. */
export function painted(): void {
  awaitingPaint = false;
}

export function run(): void {
  tick();
  setInterval(tick, TICK_MS);
  const wake = () => {
    link.wake();
    tick();
  };
  for (const name of ["online", "pageshow", "resume"]) window.addEventListener(name, wake);
  // An error that nobody caught may have left part of the page undrawn for good.
  for (const name of ["error", "unhandledrejection"]) window.addEventListener(name, () => (broken = true));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake());
  document.addEventListener("pointerdown", () => void horn.enable(), { capture: true });
  document.addEventListener("animationstart", inPhase);
}

export function enableSound(): void {
  void horn.enable();
}

export function toggleMute(): void {
  const { value } = station.sound;
  station.sound.value = isMuted(value, now()) ? { ...value, mutedUntil: null } : mute(value, now());
}

/** ms of silence left; 0 when not muted. */
export function muteLeft(): number {
  return Math.max(0, (station.sound.value.mutedUntil ?? 0) - now());
}

function connect(message: (data: unknown) => void, closed: () => void): WebSocket {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`);
  socket.onmessage = (event) => message(event.data);
  socket.onclose = closed;
  return socket;
}

function tick(): void {
  link.tick();
  const at = now();
  unpainted = awaitingPaint ? unpainted + 1 : 0;
  const verdict = judge(link.evidence, at, !broken && unpainted <= FROZEN_TICKS);
  showLink(verdict, station.picture.value?.health.database ?? "ok", station.language.value);
  if (at >= beatAt) {
    beatAt = at + BEAT_MS;
    beat();
  }
  if (verdict.state === "FROZEN") reloadOnce(`frozen ${Math.floor(Date.now() / RELOAD_EVERY_MS)}`);
  if (verdict.state === "LIVE") notLiveSince = null;
  else if (notLiveSince === null) {
    notLiveSince = at;
    station.sound.value = { ...station.sound.value, mutedUntil: null };
  }
  const second = Math.floor((serverNow(link.evidence, at) ?? 0) / 1000) * 1000;
  awaitingPaint ||= second !== station.second.value;
  batch(() => {
    station.linkState.value = verdict.state;
    station.stagnant.value = verdict.stagnant;
    station.second.value = second;
    station.soundRuns.value = horn.runs;
    if (valuesWait) station.valuesRevision.value += 1;
    valuesWait = false;
  });
  horn.keep(toneDue(station.sound.value, station.alarms.value.values(), notLiveSince === null ? 0 : at - notLiveSince, at), at);
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  let due = true;
  const once = () => {
    if (!due) return;
    due = false;
    scheduled = false;
    drain();
  };
  requestAnimationFrame(once);
  setTimeout(once, PAINT_FALLBACK_MS);
}

/** Apply every frame that waits. A frame that cannot be applied leaves a hole, so everything is fetched anew. */
function drain(): void {
  let { value: picture } = station.picture;
  let [values, alarms, edges] = [false, false, false];
  try {
    for (const frame of link.take()) {
      if (frame.type === "snapshot") {
        picture = paint(frame);
        values = alarms = edges = true;
      } else if (frame.type === "delta" && picture !== null) {
        const changes = absorb(picture, frame);
        values ||= changes.values;
        alarms ||= changes.alarms;
        edges ||= changes.edges;
      }
    }
  } catch (error) {
    console.error("a frame could not be applied", error);
    link.drop();
    return;
  }
  if (picture === null) return;
  show(picture, values, alarms, edges);
}

function show(picture: Picture, values: boolean, alarms: boolean, edges: boolean): void {
  batch(() => {
    if (picture !== station.picture.value) {
      station.picture.value = picture;
      compareVersion(picture.version);
    }
    valuesWait ||= values;
    if (edges) station.edgesRevision.value += 1;
    if (!alarms) return;
    station.alarms.value = new Map(picture.alarms);
    station.selected.value = keepSelectable(station.selected.value, picture.alarms);
    settleErrands();
    const heard = listen(station.sound.value, picture.alarms.values());
    if (heard.once && !isMuted(heard, now())) horn.once("P3");
    station.sound.value = heard;
  });
}

/** Another page is served now: fetch it, but only once, or two services of different versions would reload us for ever. */
function compareVersion(version: string): void {
  station.versionDiffers.value = __BUNDLE__ !== "" && version !== "" && version !== __BUNDLE__;
  if (station.versionDiffers.value) reloadOnce(version);
}

function reloadOnce(why: string): void {
  if (sessionStorage.getItem("hazmon.reloaded") === why) return;
  sessionStorage.setItem("hazmon.reloaded", why);
  location.reload();
}

/** All flashing in one rhythm: a hundred rows out of step would flicker far above the 1 Hz of each. */
function inPhase(event: AnimationEvent): void {
  if (event.animationName !== "flash" || !(event.target instanceof Element)) return;
  for (const animation of event.target.getAnimations({ subtree: true })) animation.startTime = 0;
}
