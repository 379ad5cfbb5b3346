// A Service-Route outlives its binding while the device has another one behind its Path.
import { expect, test } from "vitest";
import { Heirs } from "../../src/registration/heirs.ts";

test("the heir answers, then its heir, and nobody after the last", () => {
  const heirs = new Heirs();
  heirs.ended("a", "b");
  expect(heirs.of("a")).toBe("b");
  heirs.ended("b", "c");
  expect([heirs.of("a"), heirs.of("b"), heirs.of("c")]).toEqual(["c", "c", undefined]);
  heirs.ended("c", undefined);
  expect([heirs.of("a"), heirs.of("b")]).toEqual([undefined, undefined]);
});

test("one that is back answers for itself, and others go on", () => {
  const heirs = new Heirs();
  heirs.ended("a", "c");
  heirs.ended("b", "c");
  heirs.back("a");
  expect([heirs.of("a"), heirs.of("b")]).toEqual([undefined, "c"]);
  heirs.ended("c", "d");
  expect([heirs.of("a"), heirs.of("b"), heirs.of("c")]).toEqual([undefined, "d", "d"]);
});

test("bounded: of many former ones the last four", () => {
  const heirs = new Heirs();
  for (let at = 0; at < 6; at++) heirs.ended(`t${at}`, "b");
  expect([0, 1, 2, 3, 4, 5].map((at) => heirs.of(`t${at}`))).toEqual([
    undefined,
    undefined,
    "b",
    "b",
    "b",
    "b",
  ]);
});
