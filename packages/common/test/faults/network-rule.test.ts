// Rules for what becomes of messages between two nodes: how they are written, what is refused.
import { expect, test } from "vitest";
import {
  isRuleProblem,
  type NetworkAction,
  networkSetting,
  parseNetworkRule,
  parseNetworkSetting,
  ruleText,
} from "../../src/faults/network-rule.ts";

const ANY = { method: undefined, status: undefined };

test.each([
  ["drop", "NOTIFY S>P 1", { method: "NOTIFY", from: "S", to: "P", first: 1, last: 1 }],
  ["drop", "  NOTIFY   s>p ", { method: "NOTIFY", from: "S", first: 1, last: 1 }],
  ["delay", "200 S>U 2 500ms", { ...ANY, status: 200, to: "U", first: 2, milliseconds: 500 }],
  ["delay", "200 S>U 1.5s 2", { status: 200, first: 2, milliseconds: 1500 }],
  ["drop", "401 REGISTER P>U 2-4", { status: 401, method: "REGISTER", first: 2, last: 4 }],
  ["drop", "* U>P *", { ...ANY, first: 1, last: Number.POSITIVE_INFINITY }],
  ["duplicate", "REGISTER U>S", { method: "REGISTER", from: "U", to: "S", milliseconds: 0 }],
  ["reorder", "200 P>U", { status: 200, milliseconds: 1000 }],
  ["drop", "NOTIFY S>P", { figure: undefined }],
  ["drop", "NOTIFY S>P 1 @figure3", { method: "NOTIFY", first: 1, last: 1, figure: "3" }],
  ["drop", "REGISTER U>P 2-3  @Figure1 ", { first: 2, last: 3, figure: "1" }],
  ["delay", "200 P>U * 2s @figure5", { milliseconds: 2000, figure: "5" }],
  ["reorder", "* S>P @figure2", { ...ANY, first: 1, figure: "2" }],
] as const)("%s %j", (action, text, rule) => {
  const read = parseNetworkRule(action, text);
  expect(read).toMatchObject({ action, ...rule });
  if (isRuleProblem(read)) return;
  expect(parseNetworkRule(action, ruleText(read))).toEqual(read);
  // A node knows no figures.
  expect(parseNetworkSetting(networkSetting(read))).toEqual({ ...read, figure: undefined });
});

test.each([
  ["drop", "", /^drop "": expected WHAT FROM>TO/],
  ["drop", "NOTIFY", /expected WHAT FROM>TO/],
  ["drop", "S>P", /expected WHAT FROM>TO/],
  ["drop", "notify S>P", /"notify" is no method such as NOTIFY, no status such as 200, and not \*/],
  ["drop", "99 S>P", /"99" is no status, 100 to 699/],
  ["drop", "200 ok S>P", /"ok" is no method such as REGISTER/],
  ["drop", "NOTIFY P>P", /"P>P" is no way: U>P, P>U, P>S, S>P, U>S, S>U/],
  ["drop", "NOTIFY S>X", /is no way/],
  ["drop", "NOTIFY S>P 0", /"0": expected which of them: 1, 2-4 or \*/],
  ["drop", "NOTIFY S>P 4-2", /expected which of them/],
  ["drop", "NOTIFY S>P first", /drop takes no time|expected which/],
  ["drop", "NOTIFY S>P 1 2", /"2" is one word too many/],
  ["drop", "NOTIFY S>P 1 5s", /"5s": drop takes no time/],
  ["delay", "NOTIFY S>P 1", /a delay says how long: 500ms or 2s/],
  ["delay", "NOTIFY S>P 1 0ms", /expected a time such as 500ms or 2s/],
  ["delay", "NOTIFY S>P 1 5min", /expected a time/],
  ["delay", "NOTIFY S>P 1 601s", /at most 600s/],
  ["drop", "NOTIFY S>P 1 @figure6", /"@figure6": expected @figure1 to @figure5, behind all else/],
  ["drop", "NOTIFY S>P 1 @figure", /"@figure": expected @figure1/],
  ["drop", "NOTIFY S>P @figure3 1", /"@figure3 1": expected @figure1 to @figure5, behind all else/],
  ["drop", "NOTIFY S>P 1 @figure3 @figure5", /expected @figure1/],
  ["drop", "NOTIFY S>P figure3", /"figure3" is one word too many|expected which/],
  ["drop", "@figure3", /expected WHAT FROM>TO/],
  ["drop", "NOTIFY S>P 1 @\u001b[2J", /"@\\x1b\[2J"/],
  ["drop", "\u001b[2J S>P", /"\\x1b\[2J"/],
  ["drop", `${"A".repeat(10_000)} S>P`, /^.{1,400}$/],
] as [NetworkAction, string, RegExp][])("%s %j is refused", (action, text, why) => {
  expect(parseNetworkRule(action, text)).toEqual({ problem: expect.stringMatching(why) });
});

test("a setting begins with what is done", () => {
  expect(parseNetworkSetting("lose NOTIFY S>P 1")).toEqual({
    problem: '"lose": expected drop, delay, duplicate, reorder',
  });
});
