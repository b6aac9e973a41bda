import { EVERYTHING } from "../alarms/order";
import { age, quantity } from "../format";
import { readingAt, type SourceCondition, sourceCondition } from "../live/ageing";
import type { Source } from "../live/messages";
import type { Picture } from "../live/picture";
import { alarmedPoints, edgesRevision, filter, language, named, picture, second, t, valuesRevision, worst } from "../station";
import { mainPoints } from "../tile-points";
import { word } from "../text";
import { Icon } from "./icon";

export function Tiles() {
  const present = picture.value;
  if (present === null) return <section class="tiles" aria-label={t("tiles.title", { n: 0 })} />;
  return (
    <section class="tiles" aria-label={t("tiles.title", { n: present.sources.length })}>
      {present.sources.map((source) => (
        <Tile key={source.id} source={source} />
      ))}
    </section>
  );
}

const GRADE: Readonly<Record<string, number>> = { 一级: 1, 二级: 2, 三级: 3, 四级: 4 };

function Tile({ source }: { readonly source: Source }) {
  void edgesRevision.value;
  const present = picture.value;
  if (present === null) return null;
  const condition = sourceCondition(present, source, second.value);
  const alarm = worst.value.get(source.id);
  const chosen = filter.value.source === source.id;
  const shown = mainPoints(present.pointsOf.get(source.id) ?? [], present.points, alarmedPoints.value);
  return (
    <button
      type="button"
      class={`tile grade${GRADE[source.level] ?? 0}${condition.blind ? " blind" : ""}`}
      data-source={source.id}
      aria-pressed={chosen}
      title={`${source.enterprise_name} ${source.name} R=${source.r}`}
      onClick={() => (filter.value = chosen ? EVERYTHING : { enterprise: source.enterprise, source: source.id })}
    >
      <span class="top">
        <b>{source.id}</b>
        <span class={alarm?.unacknowledged ? "flash" : "calm"}>
          {alarm && <Icon priority={alarm.priority} rule={alarm.rule} hollow={!alarm.active} />}
        </span>
      </span>
      <span class="name">{named(source)}</span>
      {shown.map((index) => (
        <Value key={index} picture={present} index={index} />
      ))}
      <span class="bottom">
        <small class="level">{word(language.value, "level", source.level)}</small>
        <small class="box">{boxText(condition)}</small>
        {!condition.blind && <Oldest picture={present} indices={shown} />}
      </span>
    </button>
  );
}

function boxText({ box, missing, points, blind }: SourceCondition): string {
  if (box !== "ok") return t(`box.${box}`);
  if (blind) return t("box.stale");
  return missing > 0 ? t("box.partial", { missing, points }) : t("box.ok");
}

function Value({ picture: present, index }: { readonly picture: Picture; readonly index: number }) {
  void valuesRevision.value;
  const point = present.points[index];
  const reading = readingAt(present, index, second.value);
  if (point === undefined) return null;
  const absent = Number.isNaN(reading.value);
  const last =
    absent && reading.age !== null
      ? ` ${t("value.last", { value: `${quantity(reading.last, point)} ${point.uom}`, age: age(reading.age) })}`
      : "";
  return (
    <span class={`value${absent ? " absent" : ""}${alarmedPoints.value.has(point.id) ? " alarmed" : ""}`} title={`${point.tag} ${named(point)}${last}`}>
      <small>{word(language.value, "quantity", point.quantity)}</small>
      <b>{quantity(reading.value, point)}</b>
      {absent ? <small>{reading.age === null ? t("value.never") : age(reading.age)}</small> : <i>{point.uom}</i>}
    </span>
  );
}

/** Age of the oldest value that the tile shows as valid. */
function Oldest({ picture: present, indices }: { readonly picture: Picture; readonly indices: readonly number[] }) {
  void valuesRevision.value;
  const ages = indices
    .map((index) => readingAt(present, index, second.value))
    .filter((reading) => !Number.isNaN(reading.value))
    .map((reading) => reading.age ?? 0);
  return ages.length === 0 ? null : <small class="age">{age(Math.max(...ages))}</small>;
}
