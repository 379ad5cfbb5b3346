// `imslab watch`: words or JSON, piece by piece, and taken up again where the stream broke off.
import { setImmediate as eventsHandled } from "node:timers/promises";
import type { StreamEvent } from "@ims-lab/common/admin-api/events";
import { NODE_HEADER } from "@ims-lab/common/platform/http";
import { FAKE_EPOCH, FakeClock } from "@ims-lab/common/testing/fake-clock";
import { describe, expect, test } from "vitest";
import { imslab } from "../../src/cli/imslab.ts";
import { SseReader } from "../../src/cli/sse-reader.ts";

function event(id: number, more: Partial<StreamEvent> = {}): StreamEvent {
  return {
    id,
    at: FAKE_EPOCH,
    type: "authentication",
    event: "challenged",
    impi: "alice@ims.example",
    impu: "sip:alice@ims.example",
    callId: "c",
    source: "192.0.2.7:5060/udp",
    why: null,
    text: "challenged (401)",
    ...more,
  } as StreamEvent;
}

function sent(one: StreamEvent): string {
  return `id: ${one.id}\nevent: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`;
}

type Answer = readonly string[] | Error | { readonly status: number; readonly body: object };

/** Each connection is answered by the next of `answers`; pieces come one by one, then the stream ends. */
async function run(argv: readonly string[], answers: readonly Answer[]) {
  const clock = new FakeClock();
  const asked: { url: string; lastId: string | null; accept: string | null }[] = [];
  let [out, err] = ["", ""];
  const terminal = {
    env: {},
    clock,
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text), isTTY: false },
    fetch: (input: string | URL | Request, init?: RequestInit) => {
      const headers = new Headers(init?.headers);
      asked.push({
        url: String(input).replace("http://127.0.0.1:9062", ""),
        lastId: headers.get("last-event-id"),
        accept: headers.get("accept"),
      });
      const answer = answers[asked.length - 1] ?? new Error("no more");
      if (answer instanceof Error) return Promise.reject(answer);
      const node = { [NODE_HEADER]: "S-CSCF" };
      if ("status" in answer) {
        const { status, body } = answer;
        return Promise.resolve(new Response(JSON.stringify(body), { status, headers: node }));
      }
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of answer) controller.enqueue(Buffer.from(piece, "utf8"));
          controller.close();
        },
      });
      return Promise.resolve(new Response(body, { headers: node }));
    },
  };
  let code: number | undefined;
  const done = imslab(argv, terminal).then((value) => {
    code = value;
  });
  for (let turn = 0; turn < 1000 && code === undefined; turn++) {
    await eventsHandled();
    await clock.advanceAsync(100);
  }
  await done;
  return { code, out, err, asked };
}

const WATCH = ["watch", "--timeout", "5"];

test("a line in words for each event, whatever pieces they come in", async () => {
  const whole = `: hello\n\n${sent(event(1))}${sent(event(2, { impu: null, text: "ü \u001b[1m" }))}`;
  const octets = [...whole].map((letter) => letter);
  const { code, out } = await run(WATCH, [octets]);
  expect(out.split("\n")).toEqual([
    "2023-11-14T22:13:20.000Z sip:alice@ims.example authentication: challenged (401)",
    expect.stringMatching(/Z alice@ims\.example authentication: ü .*\[1m$/),
    "",
  ]);
  expect(out).not.toContain("\u001b");
  expect(code).toBe(0);
});

test("--json: each event as it came, a line each", async () => {
  const { out } = await run([...WATCH, "--json"], [[sent(event(1)), sent(event(2))]]);
  const lines = out.trimEnd().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as StreamEvent).id)).toEqual([1, 2]);
});

test("one user's events are asked for", async () => {
  const { asked } = await run([...WATCH, "sip:alice@ims.example"], [[sent(event(1))]]);
  expect(asked[0]).toEqual({
    url: "/events?impu=sip%3Aalice%40ims.example",
    lastId: null,
    accept: "text/event-stream",
  });
});

test("a stream that ends or breaks off is taken up behind the last whole event", async () => {
  const half = sent(event(3)).slice(0, -10);
  const { out, err, asked, code } = await run(WATCH, [
    [sent(event(1)), sent(event(2)), half],
    new TypeError("fetch failed"),
    [sent(event(3)), sent(event(4))],
  ]);
  expect(asked.slice(0, 3).map(({ lastId }) => lastId)).toEqual([null, "2", "2"]);
  expect(asked[3]?.lastId).toBe("4");
  expect(out.trimEnd().split("\n")).toHaveLength(4);
  expect(err).toContain("the stream has ended; trying again");
  expect(err).toContain("cannot reach the S-CSCF");
  expect(code).toBe(0);
});

test("what was forgotten meanwhile is said, not as an event", async () => {
  const gap = 'event: gap\ndata: {"from":17}\n\n';
  const { out, err } = await run(WATCH, [[gap, sent(event(17))]]);
  expect(err).toContain("some events are forgotten: it goes on with 17");
  expect(out.trimEnd().split("\n")).toHaveLength(1);
});

test.each<[string, Answer, number, string]>([
  ["no node", new TypeError("fetch failed"), 1, "cannot reach the S-CSCF"],
  [
    "nobody of that name",
    { status: 404, body: { title: "No such user", status: 404, detail: "sip:x is unknown." } },
    3,
    "not registered: sip:x is unknown.",
  ],
  [
    "too many readers",
    { status: 503, body: { title: "Too many readers", status: 503 } },
    1,
    "S-CSCF: Too many readers",
  ],
])("at the beginning %s: it says so and ends", async (_what, answer, exit, words) => {
  const { code, err, asked } = await run(WATCH, [answer]);
  expect([code, asked.length]).toEqual([exit, 1]);
  expect(err).toContain(words);
});

describe("server-sent events", () => {
  test.each<[string, readonly string[], readonly [string, string][], string | undefined]>([
    [
      "CRLF and CR",
      ["data: a\r\n\r\ndata: b\r\rx"],
      [
        ["message", "a"],
        ["message", "b"],
      ],
      undefined,
    ],
    [
      "a CRLF in two pieces",
      ["data: a\r", "\n\r", "\ndata: b\n\n"],
      [
        ["message", "a"],
        ["message", "b"],
      ],
      undefined,
    ],
    ["several data lines", ["data: a\ndata:b\n\n"], [["message", "a\nb"]], undefined],
    ["an id alone", ["id: 7\n\n"], [], "7"],
    ["an id of an event that is not whole", ["id: 7\ndata: x\n"], [], undefined],
    ["fields that nobody knows", ["retry: 5\nfoo\nevent: e\ndata\n\n"], [["e", ""]], undefined],
  ])("%s", (_what, pieces, events, lastId) => {
    const reader = new SseReader();
    const found = pieces.flatMap((piece) => reader.take(piece));
    expect(found.map(({ type, data }) => [type, data])).toEqual(events);
    expect(reader.lastId).toBe(lastId);
  });

  test("a line without an end is not gathered for ever", () => {
    const reader = new SseReader();
    const piece = "x".repeat(100_000);
    expect(() => {
      for (let n = 0; n < 20; n++) reader.take(piece);
    }).toThrow("without an end");
  });
});
