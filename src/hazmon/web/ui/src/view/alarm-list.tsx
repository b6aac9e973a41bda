import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { EVERYTHING, isUnacknowledged, passes, SELECT_MOST } from "../alarms/order";
import { asking, audible, errands, filter, heldPlaces, isLive, listed, named, picture, selected, t } from "../station";
import { AlarmRow } from "./alarm-row";

const SHOWN_AT_FIRST = 200;
const HOLD_MS = 3_000;

export function AlarmList() {
  const all = useSignal(false);
  const rows = useComputed(() => (all.value ? listed.value : listed.value.slice(0, SHOWN_AT_FIRST)));
  useSignalEffect(() => {
    if (listed.value.length <= SHOWN_AT_FIRST) all.value = false;
  });
  useEffect(() => listenForKeys(), []);
  return (
    <section class="alarms" aria-label={t("list.title")}>
      <Toolbar />
      <div class="table" role="table" onPointerDown={hold} onPointerUp={release} onPointerCancel={release}>
        <Heading />
        <div class="rows" role="rowgroup">
          {rows.value.map((alarm) => (
            <AlarmRow key={alarm.id} alarm={alarm} checked={selected.value.has(alarm.id)} errand={errands.value.get(alarm.id)} />
          ))}
          {rows.value.length === 0 && <Emptiness />}
          {rows.value.length < listed.value.length && (
            <button type="button" class="more" onClick={() => (all.value = true)}>
              {t("list.more", { shown: rows.value.length, total: listed.value.length })}
            </button>
          )}
        </div>
      </div>
    </section>
  );
}

function Heading() {
  return (
    <div class="row heading" role="row">
      <span role="columnheader" aria-label={t("column.select")} />
      <span role="columnheader">{t("column.priority")}</span>
      <span role="columnheader">{t("column.time")}</span>
      <span role="columnheader">{t("column.what")}</span>
      <span role="columnheader">{t("column.rule")}</span>
      <span role="columnheader">{t("column.value")}</span>
      <span role="columnheader">{t("column.current")}</span>
      <span role="columnheader">{t("column.state")}</span>
      <span role="columnheader">{t("column.acknowledge")}</span>
      <span role="columnheader" aria-label={t("action.title")} />
    </div>
  );
}

/** "No alarms" is a statement about the plant: made only while the page is live. */
function Emptiness() {
  const filtered = filter.value !== EVERYTHING;
  return <p class="empty">{!isLive.value ? t(picture.value ? "value.none" : "page.waiting") : t(filtered ? "list.none.filtered" : "list.none")}</p>;
}

function Toolbar() {
  const { enterprise, source } = filter.value;
  const chosen = selected.value.size;
  return (
    <div class="toolbar">
      <h2>{t("list.title")}</h2>
      <select
        aria-label={t("filter.enterprise")}
        value={enterprise ?? ""}
        onChange={({ currentTarget: { value } }) => (filter.value = value === "" ? EVERYTHING : { enterprise: value, source: null })}
      >
        <option value="">{t("filter.all")}</option>
        {enterprises().map(([id, name]) => (
          <option key={id} value={id}>
            {id} {name}
          </option>
        ))}
      </select>
      {source !== null && <span class="chip">{t("filter.source", { id: source })}</span>}
      {filter.value !== EVERYTHING && (
        <button type="button" class="plain" onClick={() => (filter.value = EVERYTHING)}>
          {t("filter.clear")}
        </button>
      )}
      <Hidden />
      {chosen >= SELECT_MOST && <span class="hint">{t("list.limit", { n: SELECT_MOST })}</span>}
      <button type="button" class="act" disabled={!isLive.value || chosen === 0} onClick={() => (asking.value = [...selected.value])}>
        {t("list.acknowledge.selected", { n: chosen })}
      </button>
    </div>
  );
}

/** A filter hides alarms; that it does must never be forgotten. */
function Hidden() {
  const hidden = audible.value.filter((alarm) => !passes(alarm, filter.value));
  if (hidden.length === 0) return null;
  return <span class="warning">{t("list.hidden", { n: hidden.length, unacknowledged: hidden.filter(isUnacknowledged).length })}</span>;
}

function enterprises(): readonly (readonly [string, string])[] {
  const names = new Map<string, string>();
  for (const source of picture.value?.sources ?? []) {
    names.set(source.enterprise, named({ name: source.enterprise_name, name_en: source.enterprise_name_en ?? null }));
  }
  return [...names];
}

let holding: ReturnType<typeof setTimeout> | undefined;

function hold(): void {
  heldPlaces.value = listed.peek().map((alarm) => alarm.id);
  clearTimeout(holding);
  holding = setTimeout(release, HOLD_MS);
}

function release(): void {
  heldPlaces.value = null;
}

function listenForKeys(): () => void {
  const pressed = (event: KeyboardEvent) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type !== "checkbox";
    if (event.key.toLowerCase() !== "a" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    if (document.querySelector("dialog[open]") === null && isLive.value && selected.value.size > 0) {
      event.preventDefault(); // or the letter would be typed into the field that opens
      asking.value = [...selected.value];
    }
  };
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}
