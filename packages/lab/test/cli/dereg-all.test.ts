// `imslab dereg --all`: asked first, followed, stopped; what is sent, what is printed, the exit code.
import type { DeregistrationProgress } from "@ims-lab/common/admin-api/deregistration-views";
import { NODE_HEADER } from "@ims-lab/common/platform/http";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { beforeEach, describe, expect, test } from "vitest";
import type { CommandContext } from "../../src/cli/command.ts";
import { imslab } from "../../src/cli/imslab.ts";

const HEADERS = { [NODE_HEADER]: "S-CSCF" };

let requests: string[];
let questions: string[];
let interrupted: AbortController;
let out: string;
let err: string;

beforeEach(() => {
  requests = [];
  questions = [];
  interrupted = new AbortController();
  [out, err] = ["", ""];
});

function progress(deregistered: number, more: Partial<DeregistrationProgress> = {}): string {
  const whole = { total: 30, deregistered, told: deregistered, gone: 0, isOver: false, ...more };
  return `event: progress\ndata: ${JSON.stringify(whole)}\n\n`;
}

interface Run {
  readonly argv?: readonly string[];
  /** Undefined: nobody is at a terminal. */
  readonly answer?: string;
  /** What comes of the stream; a function is called when it is its turn. */
  readonly pieces?: readonly (string | (() => void))[];
  readonly status?: number;
}

function run({ argv = ["--yes"], answer, pieces = [], status = 200 }: Run): Promise<number> {
  const context: CommandContext = {
    env: {},
    clock: new FakeClock(),
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    interruption: () => interrupted.signal,
    ...(answer !== undefined && {
      question: (text: string) => {
        questions.push(text);
        return Promise.resolve(answer);
      },
    }),
    fetch: (input, { method, body, signal } = {}) => {
      const { pathname, search } = new URL(String(input));
      requests.push(`${method} ${pathname}${search}${typeof body === "string" ? ` ${body}` : ""}`);
      if (pathname === "/registrations") {
        const page = { items: [], total: 12 };
        return Promise.resolve(new Response(JSON.stringify(page), { headers: HEADERS }));
      }
      if (status !== 200) {
        const problem = { title: "Already under way", status, detail: "Somebody does." };
        return Promise.resolve(new Response(JSON.stringify(problem), { status, headers: HEADERS }));
      }
      return Promise.resolve(new Response(streamOf(pieces, signal), { headers: HEADERS }));
    },
  };
  return imslab(["dereg", "--all", ...argv], context);
}

function streamOf(
  pieces: NonNullable<Run["pieces"]>,
  signal: AbortSignal | null | undefined,
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (signal?.aborted === true) throw new Error("aborted");
      const piece = pieces[at++];
      if (piece === undefined) controller.close();
      else if (typeof piece === "string") controller.enqueue(new TextEncoder().encode(piece));
      else {
        piece();
        controller.enqueue(new TextEncoder().encode(": nothing\n\n"));
      }
    },
  });
}

const done = [progress(10), progress(28, { told: 20, gone: 2, isOver: true })];

test("to the end: what is sent, how far it is, what came of it", async () => {
  const argv = ["--yes", "--pace", "2.5", "--cause", "probation", "--retry-after", "30"];
  expect(await run({ argv, pieces: done })).toBe(0);
  expect(requests).toEqual([
    "GET /registrations?limit=1",
    'POST /deregistrations {"cause":"probation","perSecond":2.5,"retryAfterSeconds":30}',
  ]);
  expect(err).toContain("10 of 30 devices de-registered (Ctrl-C stops)\n");
  expect(out).toBe(
    "28 of 30 devices de-registered: 20 told by NOTIFY, 8 had not subscribed, 2 had gone before\n",
  );
});

test("JSON", async () => {
  expect(await run({ argv: ["--yes", "--json"], pieces: done })).toBe(0);
  expect(JSON.parse(out)).toEqual({ total: 30, deregistered: 28, told: 20, gone: 2, isOver: true });
});

describe("asked first", () => {
  test.each(["y", "Y", " yes "])("%j: it is done", async (answer) => {
    expect(await run({ argv: [], answer, pieces: done })).toBe(0);
    expect(questions).toEqual([
      "De-register all (12 registered users), 10 devices a second, cause deactivated? [y/N] ",
    ]);
    expect(requests).toHaveLength(2);
  });

  test.each(["", "n", "yesterday"])("%j: nothing is", async (answer) => {
    expect(await run({ argv: [], answer })).toBe(1);
    expect([requests, out]).toEqual([["GET /registrations?limit=1"], ""]);
    expect(err).toContain("nobody was de-registered");
  });

  test("nobody at a terminal: 2", async () => {
    expect(await run({ argv: [] })).toBe(2);
    expect(err).toContain("add --yes");
    expect(requests).toHaveLength(1);
  });
});

test("Ctrl-C: the connection is ended, and what is known is said", async () => {
  const pieces = [progress(10), () => interrupted.abort(), progress(11)];
  expect(await run({ pieces })).toBe(130);
  expect(out).toMatch(/^stopped: at least 1[01] of 30 devices de-registered: /);
});

test("the S-CSCF ends it: 1, and what is known is said", async () => {
  expect(await run({ pieces: [progress(10)] })).toBe(1);
  expect(out).toContain("stopped: at least 10 of 30");
  expect(err).toContain("not all are de-registered");
});

test("refused: 1 and why", async () => {
  expect(await run({ status: 409 })).toBe(1);
  expect(err).toContain("S-CSCF: Already under way: Somebody does.");
});

test.each([
  [["sip:alice@x"], "--all means everybody: leave sip:alice@x out"],
  [["--contact", "sip:x"], "--all means everybody: leave --contact out"],
  [["--pace", "0"], '--pace: "0" is no number of devices a second'],
  [["--pace", "fast"], '--pace: "fast"'],
  [["--pace", "10001"], '--pace: "10001"'],
  [["--retry-after", "5"], "--retry-after goes with --cause probation only"],
])("%j: 2, and nothing is sent", async (argv, why) => {
  expect(await run({ argv: ["--yes", ...argv] })).toBe(2);
  expect([err, requests]).toEqual([expect.stringContaining(why), []]);
});
