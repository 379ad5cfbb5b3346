// Keys made of what strangers wrote.
import { expect, test } from "vitest";
import { boundedKey } from "../../src/platform/bounded-key.ts";

test("short text is its own key; long text has a short one, another for each", () => {
  expect(boundedKey("1@192.0.2.1 sip:a@b")).toBe("1@192.0.2.1 sip:a@b");
  const [a, b] = [boundedKey("a".repeat(10_000)), boundedKey("b".repeat(10_000))];
  expect(a).toHaveLength(43);
  expect(a).not.toBe(b);
});
