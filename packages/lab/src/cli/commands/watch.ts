// `imslab watch`: the S-CSCF's event stream in words or as lines of JSON, taken up again where it broke off.

import type { EventGap, StreamEvent } from "@ims-lab/common/admin-api/events";
import { type Clock, isoTime } from "@ims-lab/common/platform/clock";
import { printable } from "@ims-lab/common/platform/printable";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import type { AdminClient } from "../admin-client.ts";
import { type Command, defineCommand } from "../command.ts";
import { CommandFailure, EXIT } from "../exit-codes.ts";
import { secondsOf } from "../option-values.ts";
import { SseReader } from "../sse-reader.ts";

export const watch: Command = defineCommand({
  name: "watch",
  help: `  imslab watch [IMPU|IMPI] [--timeout SECONDS]
      What happens at the S-CSCF, as it happens, until Ctrl-C; --json: a line of JSON each.
`,
  options: { timeout: { type: "string" } },
  words: 1,
  read([user], { timeout }) {
    const seconds = secondsOf("--timeout", timeout);
    return ({ scscf, json, context: { clock, stdout, stderr } }) =>
      watchEvents(
        { user, seconds },
        {
          scscf,
          clock,
          json,
          out: (line) => stdout.write(`${line}\n`),
          note: (line) => stderr.write(`imslab: ${printable(line)}\n`),
        },
      );
  },
});

interface Watched {
  /** IMPU or IMPI; undefined: everybody. */
  readonly user: string | undefined;
  /** Undefined: for ever. */
  readonly seconds: number | undefined;
}

interface Watching {
  readonly scscf: AdminClient;
  readonly clock: Clock;
  readonly json: boolean;
  /** A line for whoever wants the events. */
  out(line: string): void;
  /** A line about the stream itself. */
  note(line: string): void;
}

const AGAIN_MS = 1_000;

/** Ends when the time is over, or with why it cannot begin. */
async function watchEvents({ user, seconds }: Watched, watching: Watching): Promise<number> {
  const { clock, note } = watching;
  const over = new AbortController();
  if (seconds !== undefined) clock.after(seconds * 1000, () => over.abort());
  const course: Course = { user, signal: over.signal, lastId: undefined, hasBegun: false };
  while (!over.signal.aborted) {
    const why = await follow(course, watching);
    if (over.signal.aborted) break;
    note(`${why}; trying again`);
    await pause(clock, over.signal);
  }
  return EXIT.done;
}

interface Course {
  readonly user: string | undefined;
  readonly signal: AbortSignal;
  lastId: string | undefined;
  hasBegun: boolean;
}

/** One connection, until it is over; why it is. Throws where none could be had from the beginning. */
async function follow(course: Course, watching: Watching): Promise<string> {
  const { user, signal, lastId } = course;
  const reader = new SseReader();
  const headers = lastId === undefined ? {} : { "last-event-id": lastId };
  try {
    const pieces = watching.scscf.stream("/events", { impu: user }, headers, signal);
    for await (const text of pieces) {
      course.hasBegun = true;
      for (const { type, data } of reader.take(text)) show(type, data, watching);
      course.lastId = reader.lastId ?? lastId;
    }
    return "the stream has ended";
  } catch (problem) {
    const isExpected = signal.aborted || (problem instanceof CommandFailure && course.hasBegun);
    if (!isExpected) throw problem;
    return reasonOf(problem);
  }
}

function show(type: string, data: string, { json, out, note }: Watching): void {
  if (type === "gap") {
    const { from } = JSON.parse(data) as EventGap;
    note(`some events are forgotten: it goes on with ${from}`);
  } else out(json ? data : lineOf(JSON.parse(data) as StreamEvent));
}

/** `2026-11-28T01:37:57.731Z sip:alice@ims.example authentication: challenged (401)` */
function lineOf({ at, impu, impi, type, text }: StreamEvent): string {
  return printable(`${isoTime(at)} ${impu ?? impi ?? "-"} ${type}: ${text}`);
}

function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(AGAIN_MS, resolve);
    signal.addEventListener("abort", () => {
      timer.cancel();
      resolve();
    });
  });
}
