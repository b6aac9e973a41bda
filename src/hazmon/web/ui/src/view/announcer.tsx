import { computed } from "@preact/signals";
import { alarmName, listed, named, picture, t } from "../station";

/** Only urgent alarms are spoken by a screen reader: speech for every alarm of a flood would bury the one that matters. */
const urgent = computed(() => listed.value.find((alarm) => alarm.priority === 1 && alarm.state === "unacknowledged" && !alarm.late));

export function Announcer() {
  const alarm = urgent.value;
  const source = alarm && picture.value?.sourceById.get(alarm.source);
  return (
    <div class="spoken" role="alert">
      {alarm && t("announce.urgent", { name: alarmName(alarm), source: source ? named(source) : alarm.source })}
    </div>
  );
}
