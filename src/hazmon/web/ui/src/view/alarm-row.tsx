import { flashes, isOver, isUnacknowledged, SELECT_MOST, toggle, worseBefore } from "../alarms/order";
import { age, alarmValue, duration, exact, moment, quantity } from "../format";
import { readingAt } from "../live/ageing";
import type { Alarm } from "../live/messages";
import { acting, alarmName, asking, type Errand, filter, isLive, language, named, picture, pointOf, second, selected, t } from "../station";
import { word } from "../text";
import { FirstOut, History, StateMarks } from "./alarm-marks";
import { Icon } from "./icon";

interface AlarmRowProps {
  readonly alarm: Alarm;
  readonly checked: boolean;
  readonly errand: Errand | undefined;
}

/** One alarm. Reads signals, so the list redraws it only when its own props change. */
export function AlarmRow({ alarm, checked, errand }: AlarmRowProps) {
  const source = picture.value?.sourceById.get(alarm.source);
  const point = pointOf(alarm);
  const open = isUnacknowledged(alarm);
  const limit = alarm.limit === null ? "" : t("value.limit", { value: alarmValue(alarm.limit, alarm.rule, point) });
  return (
    <div class={`row ${alarm.state}`} role="row" data-alarm={alarm.id} data-priority={alarm.priority}>
      <span role="cell">
        {open && (
          <input
            type="checkbox"
            aria-label={`${t("column.select")} ${alarm.tag}`}
            checked={checked}
            disabled={!isLive.value || (!checked && selected.value.size >= SELECT_MOST)}
            onChange={() => (selected.value = toggle(selected.value, alarm.id))}
          />
        )}
      </span>
      <span role="cell" class="priority">
        <span class={flashes(alarm) ? "flash" : ""}>
          <Icon priority={alarm.priority} rule={alarm.rule} hollow={isOver(alarm)} />
        </span>
        {t(`priority.${alarm.priority}`)}
      </span>
      <span role="cell" class="time" title={exact(Date.parse(alarm.raised_at))}>
        <Raised alarm={alarm} />
      </span>
      <span role="cell" class="what">
        <b title={alarmName(alarm)}>
          <FirstOut alarm={alarm} />
          {alarmName(alarm)}
        </b>
        <small>
          {alarm.tag}
          {" · "}
          <button type="button" class="source" onClick={() => (filter.value = { enterprise: alarm.enterprise, source: alarm.source })}>
            {source ? named(source) : alarm.source}
          </button>
          {" · "}
          {source ? named({ name: source.enterprise_name, name_en: source.enterprise_name_en ?? null }) : alarm.enterprise}
        </small>
        <History alarm={alarm} />
      </span>
      <span role="cell" class="rule">
        <b>
          {word(language.value, "rule", alarm.rule)} {/^[HL]{1,2}$/.test(alarm.rule) && alarm.rule}
        </b>
        <Worst alarm={alarm} />
      </span>
      <span role="cell" class="number">
        <b>
          {alarm.value === null ? "—" : alarmValue(alarm.value, alarm.rule, point)} <i>{alarm.value === null ? "" : alarm.unit}</i>
        </b>
        <small>{limit}</small>
      </span>
      <span role="cell" class="number">
        <Now alarm={alarm} />
      </span>
      <span role="cell" class="state">
        <b>{t(`state.${alarm.state}`)}</b>
        <StateMarks alarm={alarm} />
      </span>
      <span role="cell" class="acknowledge">
        {open ? <AcknowledgeButton alarm={alarm} errand={errand} /> : <Acknowledged alarm={alarm} />}
      </span>
      <span role="cell">
        <Operate alarm={alarm} />
      </span>
    </div>
  );
}

function Raised({ alarm }: { readonly alarm: Alarm }) {
  const raised = Date.parse(alarm.raised_at);
  const until = alarm.cleared_at === null ? second.value : Date.parse(alarm.cleared_at);
  return (
    <>
      <b>{moment(raised, second.value)}</b>
      <small>
        {duration(until - raised, language.value)}
        {alarm.raised_count > 1 && <span title={t("mark.times.hint", { n: alarm.raised_count })}> {t("mark.times", { n: alarm.raised_count })}</span>}
      </small>
    </>
  );
}

/** How bad it was, where that is worse than how bad it is. */
function Worst({ alarm }: { readonly alarm: Alarm }) {
  const worst = worseBefore(alarm);
  if (worst === null) return null;
  const value = worst.value === null ? "" : alarmValue(worst.value, worst.rule, pointOf(alarm));
  const words = t(alarm.kind === "LOW" ? "worst.down" : "worst.up", { what: `${worst.rule} ${value}` });
  return (
    <small class="worst" title={words}>
      {words}
    </small>
  );
}

/** What the point says now, which is not what it said when the alarm was raised. */
function Now({ alarm }: { readonly alarm: Alarm }) {
  const index = picture.value?.indexOf.get(alarm.point);
  if (picture.value === null || index === undefined) return <b>—</b>;
  const reading = readingAt(picture.value, index, second.value);
  if (!Number.isNaN(reading.value)) return <b>{quantity(reading.value, pointOf(alarm))}</b>;
  return (
    <span class="absent">
      <b>—</b>
      <small>{reading.age === null ? t("value.never") : t("value.ago", { age: age(reading.age) })}</small>
    </span>
  );
}

function AcknowledgeButton({ alarm, errand }: { readonly alarm: Alarm; readonly errand: Errand | undefined }) {
  return (
    <>
      <button
        type="button"
        class="act"
        disabled={!isLive.value || errand?.state === "sending"}
        title={isLive.value ? "" : t("acknowledge.disabled")}
        onClick={() => (asking.value = [alarm.id])}
      >
        {t(errand?.state === "sending" ? "command.sending" : "acknowledge.do")}
      </button>
      {errand?.state === "failed" && (
        <small class="failed" role="status" title={errand.why}>
          {t("command.failed", { why: errand.why })}
        </small>
      )}
    </>
  );
}

/** Everything else that may be asked of the alarm; a latched one waits for its reset. */
function Operate({ alarm }: { readonly alarm: Alarm }) {
  const waits = alarm.state === "latched_acknowledged";
  return (
    <button
      type="button"
      class="plain operate"
      aria-label={`${t("action.title")} ${alarm.tag}`}
      disabled={!isLive.value}
      title={isLive.value ? "" : t("command.disabled")}
      onClick={() => (acting.value = { alarm, action: waits ? "reset" : "verify" })}
    >
      {t(waits ? "action.reset" : "action.open")}
    </button>
  );
}

function Acknowledged({ alarm }: { readonly alarm: Alarm }) {
  if (alarm.acknowledged_at === null) return null;
  return (
    <>
      <b>{alarm.acknowledged_by}</b>
      <small title={exact(Date.parse(alarm.acknowledged_at))}>{moment(Date.parse(alarm.acknowledged_at), second.value)}</small>
    </>
  );
}
