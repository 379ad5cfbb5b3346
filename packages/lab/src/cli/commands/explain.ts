// `imslab explain`: the timers of a user's registrations, from the S-CSCF's events. docs/verify.md.
import type { StreamEvent } from "@ims-lab/common/admin-api/events";
import { isoTime } from "@ims-lab/common/platform/clock";
import { printable } from "@ims-lab/common/platform/printable";
import { type Grant, grantsOf } from "../../verify/grants.ts";
import { type Command, defineCommand, print, type Session } from "../command.ts";
import { impuOf } from "../option-values.ts";
import { SseReader } from "../sse-reader.ts";

export const explain: Command = defineCommand({
  name: "explain",
  help: `  imslab explain IMPU
      When the user's devices were to refresh what they were granted, and when they did.
`,
  options: {},
  words: 1,
  read([argument]) {
    const impu = impuOf(argument, "explain");
    return (session) => explainTimers(impu, session);
  },
});

async function explainTimers(impu: string, session: Session): Promise<number> {
  const { scscf, context } = session;
  const reader = new SseReader();
  const events: StreamEvent[] = [];
  const query = { impu, follow: "false" };
  const headers = { "last-event-id": "0" };
  for await (const text of scscf.stream("/events", query, headers, new AbortController().signal))
    for (const { type, data } of reader.take(text))
      if (type !== "gap") events.push(JSON.parse(data) as StreamEvent);
  const items = grantsOf(events, context.clock.now());
  const text = items.length === 0 ? "nothing is remembered\n" : items.map(lineOf).join("");
  return print({ items, total: items.length }, text, session);
}

function lineOf({ at, contact, text }: Grant): string {
  return `${isoTime(at)} ${printable(contact)}: ${printable(text)}\n`;
}
