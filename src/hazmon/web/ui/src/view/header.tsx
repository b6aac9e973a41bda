import { useLayoutEffect } from "preact/hooks";
import { calendar, clock, minutes } from "../format";
import type { Priority } from "../live/messages";
import { enableSound, muteLeft, painted, toggleMute } from "../page";
import { counts, language, linkState, named, edgesRevision, picture, second, soundRuns, speak, t, versionDiffers } from "../station";
import { Icon } from "./icon";
import { SuppressedCounter } from "./suppressed-dialog";

export function Header() {
  const park = picture.value?.park;
  return (
    <header>
      <h1>{park ? named(park) : t("page.title")}</h1>
      <Counts />
      <SuppressedCounter />
      <Warnings />
      <div class="link">
        <strong id="link-state" />
        <small id="link-age" />
      </div>
      <Clock />
      <MuteButton />
      <button type="button" class="plain" lang={language.value === "zh" ? "en" : "zh-CN"} onClick={() => speak(language.value === "zh" ? "en" : "zh")}>
        {language.value === "zh" ? "EN" : "中文"}
      </button>
    </header>
  );
}

function Counts() {
  return (
    <ul class="counts">
      {counts.value.map(({ active, unacknowledged }, index) => {
        const priority = (index + 1) as Priority;
        return (
          <li key={priority} class={active + unacknowledged === 0 ? "zero" : ""}>
            <Icon priority={priority} />
            <span class="word">{t(`priority.${priority}`)}</span>
            <span>
              <small>{t("count.active")}</small> <b>{active}</b>
            </span>
            <span class={unacknowledged > 0 ? "open" : ""}>
              <small>{t("count.unacknowledged")}</small> <b>{unacknowledged}</b>
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function Warnings() {
  void edgesRevision.value;
  const health = picture.value?.health;
  return (
    <div class="warnings" role="status">
      {!soundRuns.value && (
        <button type="button" class="warning" onClick={enableSound}>
          {t("sound.off")}
        </button>
      )}
      {health !== undefined && health.unrecorded > 0 && <span class="warning">{t("health.unrecorded", { n: health.unrecorded })}</span>}
      {versionDiffers.value && <span class="warning">{t("page.version")}</span>}
    </div>
  );
}

/** Stands still as dashes when the server's time is not known: a running clock looks like life. */
function Clock() {
  const known = second.value > 0 && linkState.value !== "DOWN" && linkState.value !== "STALE";
  const at = second.value;
  useLayoutEffect(painted, [at]);
  return (
    <time class="clock">
      <small>{known ? calendar(at) : t("clock.label")}</small>
      <strong>{known ? clock(at) : "--:--:--"}</strong>
    </time>
  );
}

function MuteButton() {
  void second.value;
  const left = muteLeft();
  return (
    <button type="button" class={left > 0 ? "plain muted" : "plain"} aria-pressed={left > 0} onClick={toggleMute}>
      {left > 0 ? t("sound.muted", { left: minutes(left) }) : t("sound.mute")}
    </button>
  );
}
