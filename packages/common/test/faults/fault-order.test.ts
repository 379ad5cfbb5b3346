// Faults as a setting has them, and the catalogues themselves.
import { describe, expect, test } from "vitest";
import { type FaultCatalogue, scscfFaults, ueFaults } from "../../src/admin-api/faults.ts";
import { allowed, parseFaultText } from "../../src/faults/fault-order.ts";
import { impossibleFaults } from "../../src/faults/fault-setting.ts";

test("NAME[;times=N][;impu=IMPU][;PARAMETER=VALUE]", () => {
  const text = " unavailable ;impu=sip:a@x; times=2 ;method=SUBSCRIBE;retryAfterSeconds=7";
  expect(parseFaultText(scscfFaults, text)).toEqual([
    {
      name: "unavailable",
      impu: "sip:a@x",
      times: 2,
      values: { method: "SUBSCRIBE", retryAfterSeconds: 7 },
    },
  ]);
  expect(parseFaultText(scscfFaults, "restored-hss")).toMatchObject([
    { name: "old-sqn" },
    { name: "auts-ignored" },
  ]);
});

test.each([
  ["bad-autn;times", /"times": expected NAME=VALUE behind bad-autn/],
  ["bad-autn;=1", /expected NAME=VALUE/],
  ["bad-autn;times=x", /^times: expected a whole number/],
  ["bad-autn;__proto__=1", /no "__proto__"|expected/],
  ["", /no fault ""/],
])("%j is refused", (text, detail) => {
  expect(parseFaultText(scscfFaults, text)).toMatchObject({
    detail: expect.stringMatching(detail),
  });
  expect(impossibleFaults(scscfFaults, ["no-service-route", text])).toEqual([
    { key: "faults", allowed: expect.stringMatching(/^other faults: ./) },
  ]);
});

const catalogues: readonly FaultCatalogue[] = [ueFaults, scscfFaults];
describe.each(catalogues)("the $node's catalogue", ({ faults, presets }) => {
  test("names are unlike, and presets combine what is there", () => {
    const names = [...faults, ...presets].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { combines } of presets) {
      expect(combines.length).toBeGreaterThan(0);
      for (const name of combines) expect(names).toContain(name);
    }
  });
  test("each default is allowed", () => {
    for (const { parameters } of faults)
      for (const parameter of parameters)
        if (parameter.kind === "word") expect(parameter.words).toContain(parameter.default);
        else {
          expect(parameter.default).toBeGreaterThanOrEqual(parameter.min);
          expect(parameter.default).toBeLessThanOrEqual(parameter.max);
          expect(allowed(parameter)).toMatch(/^a whole number from \d+ to \d+$/);
        }
  });
});
