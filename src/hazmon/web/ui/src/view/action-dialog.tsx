import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Action, type Form, isComplete, isSwitch, needsNote, offered, request, type Role, SHELVE_MINUTES, VERDICTS } from "../alarms/actions";
import { isOver } from "../alarms/order";
import type { Alarm } from "../live/messages";
import { ask } from "../service";
import { acting, alarmName, alarms, isLive, language, operator, signOn, t } from "../station";
import { kindWord, type TextKey, word } from "../text";
import { Icon } from "./icon";

/** Everything that may be asked of one alarm besides an acknowledgement. It closes when the service has recorded it. */
export function ActionDialog() {
  return acting.value === null ? null : <Question key={acting.value.alarm.id} alarm={acting.value.alarm} first={acting.value.action} />;
}

interface QuestionProps {
  readonly alarm: Alarm;
  readonly first: Action;
}

function Question({ alarm: opened, first }: QuestionProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const alarm = alarms.value.get(opened.id) ?? opened;
  const action = useSignal<Action>(first);
  const form = useSignal<Form>({
    by: operator.value ?? t("acknowledge.by.default"),
    note: "",
    verdict: null,
    role: "operator",
    minutes: 60,
  });
  const sending = useSignal(false);
  const failure = useSignal("");
  useEffect(() => dialog.current?.showModal(), []);

  const offers = offered(alarm);
  const chosen = offers.includes(action.value) ? action.value : "verify"; // it may have been done by somebody else meanwhile
  const ready = isLive.value && !sending.value && isComplete(chosen, form.value);
  const fill = (part: Partial<Form>) => (form.value = { ...form.value, ...part });

  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!ready) return;
    signOn(form.value.by.trim());
    [sending.value, failure.value] = [true, ""];
    const { path, body } = request(chosen, alarm, form.value);
    const answer = await ask(path, body);
    sending.value = false;
    if ("why" in answer) failure.value = answer.why;
    else close();
  };
  return (
    <dialog ref={dialog} class="action" onClose={close} aria-labelledby="action-title">
      <form onSubmit={send}>
        <h2 id="action-title">{t("action.title")}</h2>
        <p class="subject">
          <Icon priority={alarm.priority} rule={alarm.rule} hollow={isOver(alarm)} />
          <b>{alarmName(alarm)}</b> {isSwitch(chosen) ? kindWord(language.value, alarm.kind) : word(language.value, "rule", alarm.rule)} <small>{alarm.point}</small>
        </p>
        <div class="choices" role="radiogroup" aria-label={t("action.title")}>
          {offers.map((offer) => (
            <Choice key={offer} name="action" value={offer} words={t(`action.${offer}`)} checked={offer === chosen} choose={() => (action.value = offer)} />
          ))}
        </div>
        <p>{isLive.value ? t(`meaning.${chosen}`) : t("command.disabled")}</p>
        {chosen === "verify" && (
          <div class="choices" role="radiogroup" aria-label={t("field.verdict")}>
            {VERDICTS.map((verdict) => (
              <Choice
                key={verdict}
                name="verdict"
                value={verdict}
                words={t(`verdict.${verdict}`)}
                checked={verdict === form.value.verdict}
                choose={() => fill({ verdict })}
              />
            ))}
          </div>
        )}
        {chosen === "shelve" && (
          <div class="choices" role="radiogroup" aria-label={t("field.minutes")}>
            {SHELVE_MINUTES.map((minutes) => (
              <Choice
                key={minutes}
                name="minutes"
                value={String(minutes)}
                words={t(`minutes.${minutes}` as TextKey)}
                checked={minutes === form.value.minutes}
                choose={() => fill({ minutes })}
              />
            ))}
          </div>
        )}
        <div class="who">
          <label>
            {t("field.by")}
            <input name="by" required maxLength={40} value={form.value.by} onInput={({ currentTarget }) => fill({ by: currentTarget.value })} />
          </label>
          {isSwitch(chosen) && (
            <label>
              {t("field.role")}
              <select name="role" value={form.value.role} onChange={({ currentTarget }) => fill({ role: currentTarget.value as Role })}>
                <option value="operator">{t("role.operator")}</option>
                <option value="shift_leader">{t("role.shift_leader")}</option>
              </select>
            </label>
          )}
        </div>
        <label>
          {t(isSwitch(chosen) ? "field.reason" : "field.note")}
          <input
            name="note"
            autoFocus
            required={needsNote(chosen)}
            maxLength={200}
            value={form.value.note}
            onInput={({ currentTarget }) => fill({ note: currentTarget.value })}
          />
        </label>
        <p class="failed" role="alert">
          {failure.value && t("command.failed", { why: failure.value })}
        </p>
        <footer>
          <button type="button" class="plain" onClick={close}>
            {t("command.cancel")}
          </button>
          <button type="submit" class="act" disabled={!ready}>
            {t(sending.value ? "command.sending" : "command.send")}
          </button>
        </footer>
      </form>
    </dialog>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly value: string;
  readonly words: string;
  readonly checked: boolean;
  readonly choose: () => void;
}

function Choice({ name, value, words, checked, choose }: ChoiceProps) {
  return (
    <label class={checked ? "choice chosen" : "choice"}>
      <input type="radio" name={name} value={value} checked={checked} onChange={choose} />
      {words}
    </label>
  );
}

function close(): void {
  acting.value = null;
}
