// Methods and their effect on a dialog.
import { expect, test } from "vitest";
import { mayMakeDialog, refreshesTarget } from "../../../src/sip/dialog/methods.ts";

test.each([
  ["INVITE", true, true], // RFC 3261 §12.1, §12.2.1
  ["SUBSCRIBE", true, true], // RFC 6665 §4.5.2
  ["NOTIFY", true, true], // RFC 6665 §4.3: it may come before the 2xx
  ["REFER", true, true], // RFC 3515 §2.4.4
  ["UPDATE", false, true], // RFC 3311 §5.1
  ["BYE", false, false],
  ["MESSAGE", false, false],
  ["REGISTER", false, false],
  ["invite", false, false], // RFC 3261 §7.1: methods are case-sensitive
])("%s: may make a dialog: %s, refreshes the target: %s", (method, makes, refreshes) => {
  expect([mayMakeDialog(method), refreshesTarget(method)]).toEqual([makes, refreshes]);
});
