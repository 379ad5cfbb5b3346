// TS 24.229 §5.1.1.4: 600 s before the end, or at half time where 1200 s or less were granted.
import { expect, test } from "vitest";
import { renewalDelaySeconds } from "../../../src/sip/event/renewal.ts";

test.each([
  [600_000, 599_400],
  [3600, 3000],
  [1201, 601],
  [1200, 600],
  [1199, 599.5],
  [60, 30],
  [0, 0],
])("granted for %d s: renewed after %d s", (granted, delay) => {
  expect(renewalDelaySeconds(granted)).toBe(delay);
});
