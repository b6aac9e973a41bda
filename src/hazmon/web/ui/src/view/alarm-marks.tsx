import { isUnacknowledged } from "../alarms/order";
import { exact } from "../format";
import type { Alarm } from "../live/messages";
import { severalOf, t } from "../station";

interface OfAlarm {
  readonly alarm: Alarm;
}

/** Where several alarms of a source are shown: which of them came first. */
export function FirstOut({ alarm }: OfAlarm) {
  if (!alarm.first_out || !severalOf.value.has(alarm.source)) return null;
  return (
    <em class="first" title={t("mark.first.hint")}>
      {t("mark.first")}
    </em>
  );
}

/** How far the record may be trusted. */
export function StateMarks({ alarm }: OfAlarm) {
  return (
    <small>
      {alarm.health !== "ok" && (
        <em class="doubt" title={t(`mark.doubt.${alarm.health}`)}>
          {t("mark.doubt")}
        </em>
      )}
      {alarm.late && <em title={t("mark.late.hint")}>{t("mark.late")}</em>}
      {!alarm.recorded && (
        <em class="unrecorded" title={t("mark.unrecorded.hint")}>
          {t("mark.unrecorded")}
        </em>
      )}
    </small>
  );
}

/** Who ought to have acknowledged by now, and what the enterprise found and did. A line of its own, where there is any of it. */
export function History({ alarm }: OfAlarm) {
  const { verified, disposed } = alarm;
  const overdue = isUnacknowledged(alarm) ? alarm.overdue : 0;
  if (overdue === 0 && verified === null && disposed === null) return null;
  return (
    <small class="history">
      {overdue > 0 && <em class="overdue">{t("overdue", { who: t(step(overdue)) })}</em>}
      {verified !== null && <em title={said(verified)}>{t("verified", { verdict: t(`verdict.${verified.verdict}`) })}</em>}
      {disposed !== null && <em title={said(disposed)}>{t("disposed")}</em>}
    </small>
  );
}

const step = (overdue: number) => (overdue === 1 ? "overdue.1" : overdue === 2 ? "overdue.2" : "overdue.3");

const said = ({ by, at, note }: { readonly by: string; readonly at: string; readonly note: string }): string =>
  t("verified.hint", { by, at: exact(Date.parse(at)), note });
