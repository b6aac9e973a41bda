import { describe, expect, it } from "vitest";
import { type Action, type Form, isComplete, offered, request } from "../src/alarms/actions";
import { kindWord } from "../src/text";
import { alarm } from "./park";

const form = (changed: Partial<Form> = {}): Form => ({ by: " 张工 ", note: " 进料阀未关 ", verdict: "real", role: "operator", minutes: 60, ...changed });

describe("what may be asked", () => {
  it.each([
    ["standing", {}, ["verify", "dispose", "comment", "shelve", "remove"]],
    ["latched", { state: "latched_acknowledged" }, ["verify", "dispose", "comment", "shelve", "remove", "reset"]],
    ["shelved", { suppressions: ["shelved"] }, ["verify", "dispose", "comment", "unshelve", "remove"]],
    ["out of service", { suppressions: ["out_of_service"] }, ["verify", "dispose", "comment", "shelve", "return"]],
    ["late", { late: true, state: "returned_unacknowledged" }, ["verify", "dispose", "comment"]],
  ] as const)("of an alarm that is %s", (_, changed, expected) => {
    expect(offered(alarm("a", changed))).toEqual(expected);
  });

  it.each<[Action, Partial<Form>, boolean]>([
    ["verify", { note: "" }, true],
    ["verify", { verdict: null }, false],
    ["dispose", { note: " " }, false],
    ["comment", { note: "" }, false],
    ["shelve", { note: "" }, false],
    ["reset", { note: "" }, true],
    ["reset", { by: " " }, false],
  ])("%s is complete or not", (action, changed, expected) => {
    expect(isComplete(action, form(changed))).toBe(expected);
  });
});

describe("a request", () => {
  it("to verify names the alarm and the finding", () => {
    expect(request("verify", alarm("9f"), form())).toEqual({
      path: "/alarms/9f/verify",
      body: { by: "张工", note: "进料阀未关", verdict: "real" },
    });
  });

  it("to reset carries no more than who and a word", () => {
    expect(request("reset", alarm("9f"), form({ note: "" }))).toEqual({ path: "/alarms/9f/reset", body: { by: "张工", note: "" } });
  });

  it("to shelve names the point and the kind, and for how long", () => {
    expect(request("shelve", alarm("9f", { tag: "LT#1" }), form({ role: "shift_leader", minutes: 15 }))).toEqual({
      path: "/points/E01/LT%231/alarms/HIGH/shelve",
      body: { by: "张工", role: "shift_leader", reason: "进料阀未关", minutes: 15 },
    });
  });

  it("to put back into service has no duration", () => {
    expect(request("return", alarm("9f"), form()).body).toEqual({ by: "张工", role: "operator", reason: "进料阀未关" });
  });
});

describe("a kind", () => {
  it.each([
    ["HIGH", "高限"],
    ["LOW", "低限"],
    ["STUCK", "卡滞"],
    ["FORECAST_UP", "上升趋势预警"],
    ["SOMETHING_NEW", "SOMETHING_NEW"],
  ])("%s is called %s", (kind, expected) => {
    expect(kindWord("zh", kind)).toBe(expected);
  });
});
