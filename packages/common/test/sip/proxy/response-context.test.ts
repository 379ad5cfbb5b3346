// The response context as tables: RFC 3261 §16.7, §16.8, §16.10; RFC 4320; RFC 6026.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ContextEffect,
  type ContextInput,
  type ContextState,
  newContext,
  stepContext,
} from "../../../src/sip/proxy/response-context.ts";

/** `0:180` a response of branch 0, `0:C` its Timer C, `0:over` the other timer, `0:lost`, `0:dead`, `0:gone`. */
function inputOf(word: string): ContextInput {
  if (word === "start" || word === "cancel" || word === "end") return { kind: word };
  const [at = "", what = ""] = word.split(":");
  const branch = Number(at);
  if (what === "gone") return { kind: "withdraw", branch };
  if (what === "C") return { kind: "timer", timer: "C", branch };
  if (what === "over") return { kind: "timer", timer: "cancelled", branch };
  if (what === "lost") return { kind: "failure", branch, why: "timeout" };
  if (what === "dead") return { kind: "failure", branch, why: "unavailable" };
  return { kind: "response", branch, status: Number(what) };
}

function wordOf(effect: ContextEffect): string {
  switch (effect.kind) {
    case "launch":
      return `launch ${effect.count}`;
    case "forward":
      return "forward";
    case "answer":
      return `answer ${effect.status} of ${effect.branch}`;
    case "cancel":
    case "abandon":
      return `${effect.kind} ${effect.branch}`;
    case "start":
    case "stop":
      return `${effect.kind} ${effect.timer}${effect.branch}`;
  }
}

function run(groups: readonly number[], inputs: string, invite = true): string[] {
  let state: ContextState = newContext(invite, groups);
  const lines: string[] = [];
  for (const word of ["start", ...inputs.split(" ").filter((one) => one !== "")]) {
    const step = stepContext(state, inputOf(word));
    state = step.state;
    lines.push(step.effects.map(wordOf).join(", "));
  }
  return lines;
}

/** What the last input led to, timers left out. */
function last(groups: readonly number[], inputs: string, invite = true): string {
  const all = run(groups, inputs, invite).at(-1) ?? "";
  return all
    .split(", ")
    .filter((one) => !/^(start|stop) /.test(one))
    .join(", ");
}

describe("one INVITE branch", () => {
  test.each([
    ["§16.7 step 5: a 100 stays here", "0:100", ""],
    ["180 goes back", "0:180", "forward"],
    ["200 goes back at once", "0:200", "forward"],
    ["RFC 6026: so does each further 200", "0:200 0:200", "forward"],
    ["486 is the best there is", "0:180 0:486", "answer 486 of 0"],
    ["nothing after it", "0:486 0:486", ""],
    ["RFC 6026 §7.1: no 200 after a refusal either", "0:486 0:200", ""],
    ["§16.8: no answer at all is a 408", "0:lost", "answer 408 of 0"],
    ["§16.9: not sent is a 503", "0:dead", "answer 503 of 0"],
    [
      "§16.8: Timer C before any provisional: as if a 408 had come",
      "0:C",
      "abandon 0, answer 408 of 0",
    ],
    ["§16.8: Timer C after one: CANCEL", "0:180 0:C", "cancel 0"],
    ["… whose 487 is our own doing", "0:180 0:C 0:487", "answer 408 of 0"],
    ["… which a 200 may still overtake", "0:180 0:C 0:200", "forward"],
    ["… and silence after it ends too", "0:180 0:C 0:over", "abandon 0, answer 408 of 0"],
    ["§16.10: CANCEL", "0:180 cancel", "cancel 0"],
    ["… answered 487", "0:180 cancel 0:487", "answer 487 of 0"],
    ["… late 180s still go back", "0:180 cancel 0:183", "forward"],
    ["… too late", "0:180 cancel 0:200", "forward"],
    ["… never answered (§9.1)", "0:180 cancel 0:over", "abandon 0, answer 487 of 0"],
    ["CANCEL after the answer does nothing", "0:200 cancel", ""],
    ["CANCEL twice does nothing more", "0:180 cancel cancel", ""],
  ])("%s", (_name, inputs, expected) => {
    expect(last([1], inputs)).toBe(expected);
  });

  test("§16.7 step 2: provisionals but 100 start Timer C anew; the end stops it", () => {
    expect(run([1], "0:100 0:180 0:183 0:486")).toEqual([
      "start C0, launch 1",
      "",
      "forward, start C0",
      "forward, start C0",
      "stop C0, answer 486 of 0",
    ]);
  });
});

describe("branches side by side", () => {
  test.each([
    ["waits for all", [2], "0:486", ""],
    ["§16.7 step 6: the lowest class", [2], "0:500 1:404", "answer 404 of 1"],
    ["3xx before 4xx", [2], "0:302 1:404", "answer 302 of 0"],
    ["what helps to try again first", [3], "0:404 1:407 2:486", "answer 407 of 1"],
    ["what says something before silence", [3], "0:lost 1:486 2:480", "answer 486 of 1"],
    ["a 503 last of all", [2], "0:503 1:500", "answer 500 of 1"],
    ["one answers: the others are cancelled", [3], "1:180 0:486 1:200", "forward, cancel 2"],
    ["… and their 487 goes nowhere", [2], "0:200 1:487", ""],
    ["… but a 200 does", [2], "0:200 1:200", "forward"],
    ["§16.7 step 5: 6xx cancels", [2], "0:603", "cancel 1"],
    ["… and wins once all are through", [2], "0:603 1:404", "answer 603 of 0"],
    ["… unless somebody answers meanwhile", [2], "0:603 1:200", "forward"],
    ["CANCEL reaches all that are pending", [3], "0:486 cancel", "cancel 1, cancel 2"],
  ])("%s", (_name, groups, inputs, expected) => {
    expect(last(groups, inputs)).toBe(expected);
  });
});

describe("group after group", () => {
  test.each([
    ["the next when all of one have refused", [1, 2], "0:486", "launch 2"],
    ["not while one rings", [1, 1], "0:180", "forward"],
    ["not after a 2xx", [1, 1], "0:200", "forward"],
    ["not after a 6xx", [1, 1], "0:600", "answer 600 of 0"],
    ["not after a CANCEL", [1, 1], "0:180 cancel 0:487", "answer 487 of 0"],
    ["the best of all groups", [1, 1], "0:407 1:486", "answer 407 of 0"],
  ])("%s", (_name, groups, inputs, expected) => {
    expect(last(groups, inputs)).toBe(expected);
  });
});

describe("a target that is not to be had any more", () => {
  test.each([
    ["stops ringing", [2], "0:180 0:gone", "cancel 0"],
    ["counts as a 480 beside others", [2], "0:180 0:gone 0:487 1:lost", "answer 480 of 0"],
    ["… and says less than they do", [2], "0:gone 1:486 0:487", "answer 486 of 1"],
    ["… even when it is silent", [1], "0:180 0:gone 0:over", "abandon 0, answer 480 of 0"],
    ["makes room for the next group", [1, 1], "0:180 0:gone 0:487", "launch 1"],
    ["is not asked twice to stop", [1], "0:180 0:gone 0:gone", ""],
    ["may have answered before", [1], "0:gone 0:200", "forward"],
    ["all of them: none is added", [1, 1], "0:180 end 0:487", "answer 480 of 0"],
    ["not after a 2xx", [2], "0:200 end", ""],
  ])("%s", (_name, groups, inputs, expected) => {
    expect(last(groups, inputs)).toBe(expected);
  });
});

describe("other requests than INVITE", () => {
  test.each([
    ["the first 2xx goes back", [2], "0:200", "forward"],
    ["… and no second one", [2], "0:200 1:200", ""],
    ["they are never cancelled", [2], "0:180 cancel", ""],
    ["RFC 4320 §4.2: silence is not answered", [1], "0:lost", ""],
    ["… a refusal is", [2], "0:lost 1:405", "answer 405 of 1"],
  ])("%s", (_name, groups, inputs, expected) => {
    expect(last(groups, inputs, false)).toBe(expected);
  });

  test("no Timer C", () => {
    expect(run([2], "0:200", false)).toEqual(["launch 2", "forward"]);
  });
});

test("whatever comes in whatever order: at most one refusal, never after a 2xx, never twice", () => {
  const word = fc.oneof(
    fc.constant("cancel"),
    fc
      .tuple(
        fc.nat(3),
        fc.constantFrom("100", "180", "200", "302", "404", "487", "603", "C", "over", "lost"),
      )
      .map(([branch, what]) => `${branch}:${what}`),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.boolean(), (words, invite) => {
      const { refused, accepted } = finals(invite, words.map(inputOf));
      expect(refused + Math.min(accepted, 1)).toBeLessThanOrEqual(1);
      if (!invite) expect(accepted).toBeLessThanOrEqual(1);
    }),
  );
});

/** How often a final response went back. */
function finals(
  invite: boolean,
  inputs: readonly ContextInput[],
): { refused: number; accepted: number } {
  let state = newContext(invite, [2, 1, 1]);
  let [refused, accepted] = [0, 0];
  for (const input of [{ kind: "start" } as const, ...inputs]) {
    const step = stepContext(state, input);
    state = step.state;
    const kinds = step.effects.map(({ kind }) => kind);
    refused += Number(kinds.includes("answer"));
    const isSuccess = input.kind === "response" && input.status >= 200;
    accepted += Number(isSuccess && kinds.includes("forward"));
  }
  return { refused, accepted };
}
