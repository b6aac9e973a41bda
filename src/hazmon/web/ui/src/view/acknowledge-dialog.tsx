import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { acknowledge } from "../acknowledge";
import { isOver, isUnacknowledged } from "../alarms/order";
import type { Alarm } from "../live/messages";
import { alarmName, alarms, asking, isLive, language, operator, selected, signOn, t } from "../station";
import { word } from "../text";
import { Icon } from "./icon";

/** Asks who and why before alarms are acknowledged. Names each alarm, so that a slipped click is seen before it counts. */
export function AcknowledgeDialog() {
  return asking.value === null ? null : <Question ids={asking.value} />;
}

function Question({ ids }: { readonly ids: readonly string[] }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const by = useSignal(operator.value ?? t("acknowledge.by.default"));
  const note = useSignal("");
  useEffect(() => dialog.current?.showModal(), []);

  const open = ids.map((id) => alarms.value.get(id)).filter((alarm) => alarm !== undefined && isUnacknowledged(alarm)) as Alarm[];
  const noteRequired = open.some((alarm) => alarm.priority === 1);
  const ready = isLive.value && open.length > 0 && by.value.trim() !== "" && (!noteRequired || note.value.trim() !== "");

  const confirm = (event: SubmitEvent) => {
    event.preventDefault();
    if (!ready) return;
    signOn(by.value.trim());
    void acknowledge(
      open.map((alarm) => alarm.id),
      by.value.trim(),
      note.value.trim(),
    );
    selected.value = new Set();
    close();
  };
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="acknowledge-title">
      <form onSubmit={confirm}>
        <h2 id="acknowledge-title">{t("acknowledge.title", { n: open.length })}</h2>
        <ul>
          {open.map((alarm) => (
            <li key={alarm.id}>
              <Icon priority={alarm.priority} rule={alarm.rule} hollow={isOver(alarm)} />
              <b>{alarmName(alarm)}</b> {word(language.value, "rule", alarm.rule)} <small>{alarm.point}</small>
            </li>
          ))}
        </ul>
        <p>{isLive.value ? t("acknowledge.meaning") : t("acknowledge.disabled")}</p>
        <label>
          {t("acknowledge.by")}
          <input name="by" required maxLength={40} value={by.value} onInput={({ currentTarget }) => (by.value = currentTarget.value)} />
        </label>
        <label>
          {t(noteRequired ? "acknowledge.note.required" : "acknowledge.note")}
          <input
            name="note"
            autoFocus
            required={noteRequired}
            maxLength={200}
            value={note.value}
            onInput={({ currentTarget }) => (note.value = currentTarget.value)}
          />
        </label>
        <footer>
          <button type="button" class="plain" onClick={close}>
            {t("command.cancel")}
          </button>
          <button type="submit" class="act" disabled={!ready}>
            {t("acknowledge.do")}
          </button>
        </footer>
      </form>
    </dialog>
  );
}

function close(): void {
  asking.value = null;
}
