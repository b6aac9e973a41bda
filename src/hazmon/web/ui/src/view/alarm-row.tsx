import { isUnacknowledged, SELECT_MOST, toggle } from "../alarms/order";
import { age, duration, exact, moment, quantity } from "../format";
import { readingAt } from "../live/ageing";
import type { Alarm } from "../live/messages";
import { alarmName, asking, type Errand, filter, isLive, language, named, picture, pointOf, second, selected, t } from "../station";
import { word } from "../text";
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
  const limit = alarm.limit === null ? "" : t("value.limit", { value: quantity(alarm.limit, point) });
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
        <span class={alarm.state === "unacknowledged" ? "flash" : ""}>
          <Icon priority={alarm.priority} rule={alarm.rule} returned={alarm.state === "returned_unacknowledged"} />
        </span>
        {t(`priority.${alarm.priority}`)}
      </span>
      <span role="cell" class="time" title={exact(Date.parse(alarm.raised_at))}>
        <Raised alarm={alarm} />
      </span>
      <span role="cell" class="what">
        <b title={alarmName(alarm)}>{alarmName(alarm)}</b>
        <small>
          {alarm.tag}
          {" · "}
          <button type="button" class="source" onClick={() => (filter.value = { enterprise: alarm.enterprise, source: alarm.source })}>
            {source ? named(source) : alarm.source}
          </button>
          {" · "}
          {source ? named({ name: source.enterprise_name, name_en: source.enterprise_name_en ?? null }) : alarm.enterprise}
        </small>
      </span>
      <span role="cell" class="rule">
        <b>{word(language.value, "rule", alarm.rule)}</b>
        {/^[HL]{1,2}$/.test(alarm.rule) && <small>{alarm.rule}</small>}
      </span>
      <span role="cell" class="number">
        <b>
          {alarm.value === null ? "—" : quantity(alarm.value, point)} <i>{alarm.value === null ? "" : alarm.unit}</i>
        </b>
        <small>{limit}</small>
      </span>
      <span role="cell" class="number">
        <Now alarm={alarm} />
      </span>
      <span role="cell" class="state">
        <b>{t(`state.${alarm.state}`)}</b>
        <small>
          {alarm.late && (
            <em title={t("mark.late.hint")}>{t("mark.late")}</em>
          )}
          {!alarm.recorded && (
            <em class="unrecorded" title={t("mark.unrecorded.hint")}>
              {t("mark.unrecorded")}
            </em>
          )}
        </small>
      </span>
      <span role="cell" class="acknowledge">
        {open ? <AcknowledgeButton alarm={alarm} errand={errand} /> : <Acknowledged alarm={alarm} />}
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
      <small>{duration(until - raised, language.value)}</small>
    </>
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
        {t(errand?.state === "sending" ? "acknowledge.sending" : "acknowledge.do")}
      </button>
      {errand?.state === "failed" && (
        <small class="failed" role="status" title={errand.why}>
          {t("acknowledge.failed", { why: errand.why })}
        </small>
      )}
    </>
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
