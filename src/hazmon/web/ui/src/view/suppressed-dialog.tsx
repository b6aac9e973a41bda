import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { SUPPRESSIONS } from "../alarms/order";
import type { Action } from "../alarms/actions";
import { exact, moment } from "../format";
import type { Alarm, Suppression } from "../live/messages";
import { ask } from "../service";
import { acting, alarmName, isLive, language, second, showsSuppressed, suppressed, suppressedCounts, t } from "../station";
import { kindWord, word } from "../text";
import { Icon } from "./icon";

/** How many alarms are kept from being heard: never out of sight while there is one. */
export function SuppressedCounter() {
  if (suppressed.value.length === 0) return null;
  const counts = SUPPRESSIONS.map((why) => [t(`count.${why}`), suppressedCounts.value[why]] as const);
  return (
    <button
      type="button"
      class="plain suppressed"
      title={t("suppressed.title")}
      aria-label={counts.map((count) => count.join(" ")).join(" · ")}
      onClick={() => (showsSuppressed.value = true)}
    >
      {counts.map(([word, count]) => (
        <span key={word} class={count === 0 ? "zero" : ""}>
          <small>{word}</small>
          <b>{count}</b>
        </span>
      ))}
    </button>
  );
}

/** What is not heard, each with its reason, who wanted it and until when. */
export function SuppressedDialog() {
  return showsSuppressed.value ? <SuppressedList /> : null;
}

function SuppressedList() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const rows = suppressed.value.flatMap((alarm) => alarm.suppressions.map((why) => ({ alarm, why })));
  return (
    <dialog ref={dialog} class="suppressions" onClose={close} aria-labelledby="suppressed-title">
      <h2 id="suppressed-title">{t("suppressed.title")}</h2>
      {!isLive.value && <p class="failed">{t("command.disabled")}</p>}
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>{t("suppressed.alarm")}</th>
              <th>{t("column.state")}</th>
              <th>{t("suppressed.why")}</th>
              <th>{t("suppressed.reason")}</th>
              <th>{t("suppressed.by")}</th>
              <th>{t("suppressed.until")}</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {rows.map(({ alarm, why }) => (
              <Row key={`${alarm.id} ${why}`} alarm={alarm} why={why} />
            ))}
          </tbody>
        </table>
        {rows.length === 0 && <p class="empty">{t("suppressed.none")}</p>}
      </div>
      <footer>
        <button type="button" class="plain" onClick={close}>
          {t("command.close")}
        </button>
      </footer>
    </dialog>
  );
}

interface RowProps {
  readonly alarm: Alarm;
  readonly why: Suppression;
}

function Row({ alarm, why }: RowProps) {
  return (
    <tr data-suppressed={alarm.id} data-why={why}>
      <td>
        <span class="subject">
          <Icon priority={alarm.priority} rule={alarm.rule} hollow={!alarm.active} />
          <span>
            <b>{alarmName(alarm)}</b>
            <small>
              {alarm.point} · {kindWord(language.value, alarm.kind)}
            </small>
          </span>
        </span>
      </td>
      <td>
        {alarm.state === "normal" ? t("suppressed.normal") : t(`state.${alarm.state}`)}
        <small>{alarm.active && word(language.value, "rule", alarm.rule)}</small>
      </td>
      <td class={`why ${why}`}>{t(`suppression.${why}`)}</td>
      {why === "shelved" ? <Shelved alarm={alarm} /> : why === "out_of_service" ? <Removed alarm={alarm} /> : <Designed alarm={alarm} />}
    </tr>
  );
}

function Shelved({ alarm }: { readonly alarm: Alarm }) {
  const until = alarm.shelf === null ? Number.NaN : Date.parse(alarm.shelf.until);
  return (
    <>
      <td>{alarm.shelf?.reason}</td>
      <td>{alarm.shelf?.by}</td>
      <td title={Number.isNaN(until) ? "" : exact(until)}>{Number.isNaN(until) ? "" : moment(until, second.value)}</td>
      <td>
        <Undo alarm={alarm} action="unshelve" />
      </td>
    </>
  );
}

function Designed({ alarm }: { readonly alarm: Alarm }) {
  return (
    <>
      <td>{alarm.by_design}</td>
      <td>{t("suppressed.by.design")}</td>
      <td>{t("suppressed.until.condition")}</td>
      <td />
    </>
  );
}

interface Removal {
  readonly stimulus: string;
  readonly by: string | null;
  readonly reason: string;
}

/** The alarm itself does not carry who took it out of service; its events do. */
function Removed({ alarm }: { readonly alarm: Alarm }) {
  const removal = useSignal<Removal | null>(null);
  useEffect(() => {
    void ask(`/alarms/${alarm.id}/events?limit=1000`).then((answer) => {
      if ("body" in answer) removal.value = (answer.body as { items: Removal[] }).items.findLast(({ stimulus }) => stimulus === "remove") ?? null;
    });
  }, [alarm.id]);
  return (
    <>
      <td>{removal.value?.reason ?? t("value.none")}</td>
      <td>{removal.value?.by ?? t("value.none")}</td>
      <td>{t("suppressed.until.return")}</td>
      <td>
        <Undo alarm={alarm} action="return" />
      </td>
    </>
  );
}

function Undo({ alarm, action }: { readonly alarm: Alarm; readonly action: Action }) {
  return (
    <button type="button" class="act" disabled={!isLive.value} onClick={() => (acting.value = { alarm, action })}>
      {t(`action.${action}`)}
    </button>
  );
}

function close(): void {
  showsSuppressed.value = false;
}
