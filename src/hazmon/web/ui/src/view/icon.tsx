import type { Priority } from "../live/messages";
import { isDataFailure } from "../alarms/order";
import { t } from "../station";

const SHAPES: Readonly<Record<Priority, string>> = {
  1: "M16 1.5 30.5 16 16 30.5 1.5 16z",
  2: "M16 2 31 29.5H1z",
  3: "M3 3h26v26H3z",
  4: "M16 2a14 14 0 1 1 0 28 14 14 0 0 1 0-28z",
};

interface IconProps {
  readonly priority: Priority;
  readonly rule?: string;
  /** Drawn hollow: the condition is over, the alarm is not. */
  readonly hollow?: boolean;
}

/** Hue, shape and digit; black hatch when the data failed rather than the plant. The word stands beside it. */
export function Icon({ priority, rule, hollow = false }: IconProps) {
  const kind = rule !== undefined && isDataFailure(rule) ? "data" : `p${priority}`;
  return (
    <svg class={`icon ${kind}${hollow ? " hollow" : ""}`} viewBox="0 0 32 32" role="img" aria-label={t(`priority.${priority}`)}>
      <path class="shape" d={SHAPES[priority]} />
      {kind === "data" && !hollow && <path class="hatch" d={SHAPES[priority]} />}
      <text x="16" y={priority === 2 ? 26 : 22.5} text-anchor="middle">
        {priority}
      </text>
    </svg>
  );
}

/** What the icons refer to; once a page. */
export function IconPatterns() {
  return (
    <svg class="patterns" aria-hidden="true">
      <pattern id="data-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <path d="M0 0h2.2v7H0z" fill="#fff" />
      </pattern>
    </svg>
  );
}
