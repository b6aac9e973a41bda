import { describe, expect, it } from "vitest";
import { age, alarmValue, clock, duration, exact, minutes, moment, quantity } from "../src/format";
import { text, word } from "../src/text";

const NIGHT = Date.parse("2025-06-01T17:30:05.250Z"); // 01:30:05 of the next day in Shanghai

describe("times", () => {
  it("are those of Asia/Shanghai wherever the browser stands", () => {
    expect(clock(NIGHT)).toBe("01:30:05");
    expect(exact(NIGHT)).toBe("2025-06-02 01:30:05.250 +08:00");
  });

  it("carry the date when it was not today", () => {
    expect(moment(NIGHT, NIGHT + 1_000)).toBe("01:30:05");
    expect(moment(NIGHT, NIGHT + 86_400_000)).toBe("06-02 01:30");
  });

  it.each([
    [-5, "0:00"],
    [9_999, "0:09"],
    [723_000, "12:03"],
    [3_723_000, "1:02:03"],
  ])("%i ms last %s", (ms, words) => expect(minutes(ms)).toBe(words));

  it("count days when hours no longer help", () => {
    expect(duration(27 * 3_600_000, "zh")).toBe("1天3时");
    expect(duration(27 * 3_600_000, "en")).toBe("1d 3h");
  });

  it("are short on a tile", () => {
    expect([age(0), age(59_999), age(60_000)]).toEqual(["0s", "59s", "1:00"]);
  });
});

describe("numbers", () => {
  it.each([
    [0, 1.6, 0.12345, "0.123"],
    [0, 15, 10.6, "10.60"],
    [0, 100, 24.96, "25.0"],
    [0, 1000, 512.4, "512"],
  ])("of an instrument %d to %d: %d is written %s", (low, high, value, words) => {
    expect(quantity(value, { low, high })).toBe(words);
  });

  it("of a forecast are minutes, whatever the instrument spans", () => {
    expect(alarmValue(7.25, "FORECAST_UP", { low: 0, high: 1000 })).toBe("7.3");
    expect(alarmValue(7.25, "HH", { low: 0, high: 1000 })).toBe("7");
  });

  it("that are none are a dash", () => {
    expect(quantity(Number.NaN, undefined)).toBe("—");
  });
});

describe("texts", () => {
  it("are filled in", () => {
    expect(text("zh", "banner.main", { age: "1:05" })).toBe("画面数据不是实时数据 — 数据停滞 1:05");
  });

  it("fall back to the service's own word for what the page does not know", () => {
    expect(word("zh", "rule", "HH")).toBe("高高");
    expect(word("zh", "rule", "STUCK")).toBe("卡滞");
    expect(word("zh", "rule", "SOMETHING_NEW")).toBe("SOMETHING_NEW");
  });
});
