// Log lines of the nodes as remarks on devices. The events are those of docs/operations.md.
import type { Device, Devices } from "./devices.ts";
import type { Remark } from "./remark-queue.ts";
import type { UserNames } from "./user-names.ts";

/** A log line as it was written. */
export interface LogEvent {
  readonly event: string;
  readonly level: string;
  readonly time: number;
  readonly [field: string]: unknown;
}

/** Undefined: no log line of a node of ours. */
export function parseLogLine(line: string): LogEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  const found = parsed as Partial<LogEvent> | null;
  return typeof found?.event === "string" && typeof found.level === "string"
    ? { time: 0, ...found, event: found.event, level: found.level }
    : undefined;
}

type Read = (field: string) => string | undefined;
type Description = Pick<Remark, "tone" | "text"> | undefined;

/** Events with a description of their own; any other is shown when it is a warning. */
const DESCRIPTIONS: Readonly<Record<string, (read: Read) => Description>> = {
  "authentication.failed": (read) => bad(read("why")),
  "authentication.silent": (read) => bad(read("why")),
  "authentication.challenged-again": (read) => note(`: challenged once more: ${read("why")}`),
  "authentication.probe": (read) => note(`: ${read("why")}`),
  "authentication.resync": (read) => note(`: SQN resynchronised (${read("why") ?? "AUTS"})`),
  "registration.bound": () => good(" is registered"),
  "registration.refused": refusal,
  "subscription.refused": refusal,
  "request.refused": refusal,
  "registration.removed": removal,
  "subscription.overdue": (read) =>
    bad(read("why") ?? "has not subscribed in time, which is only reported"),
  "reauthentication.ended": end,
  "access.refused": (read) => bad(read("why")),
  "core.refused": (read) => bad(read("why")),
  "message.malformed": (read) => bad(`sent what cannot be read: ${read("why") ?? read("reason")}`),
  "transport.rejected": (read) => bad(`sent what cannot be read: ${read("reason")}`),
  "tls.handshake-failed": (read) => bad(`no TLS: ${read("why")}`),
  "http.not-http": (read) => bad(read("why")),
  "network.fault": (read) =>
    note(`network fault: ${read("rule")}: ${read("message")}, number ${read("number")}`),
};

function removal(read: Read): Description {
  const cause = read("cause") ?? "";
  const why = read("why") ?? REMOVALS[cause] ?? cause;
  const text = ` is no longer registered: ${why}`;
  return cause === "left" || cause === "unregistered" || cause === "expired"
    ? note(text)
    : { tone: "bad", text };
}

const REMOVALS: Readonly<Record<string, string>> = {
  left: "it has left",
  unregistered: "it has left",
  deadline: "the time to subscribe, or to authenticate again, was over",
};

function end(read: Read): Description {
  const how = read("end") ?? "";
  const took = read("took");
  if (how === "reauthenticated")
    return good(` re-authenticated${took === undefined ? "" : ` in ${took} ms`}`);
  return {
    tone: "bad",
    text: ` did not authenticate again, ${how}: ${read("why") ?? ENDS[how]}`,
  };
}

/** Why, unless the line says more. */
const ENDS: Readonly<Record<string, string>> = {
  refused: "the answer was wrong",
  unanswered: "it was challenged and did not answer",
  ignored: "it answered the NOTIFY and did not register",
  unreachable: "the NOTIFY did not reach it",
  unsubscribed: "it has not subscribed, so nobody could ask it",
  withdrawn: "its registration ended before",
};

/** Warnings that the launcher shows by itself, or that say nothing about devices. */
const NOT_SHOWN: ReadonlySet<string> = new Set([
  "deregistration.nobody-subscribed",
  "limits.open-files",
  "node.stopping",
  "node.stop-forced",
]);

export class LogRemarks {
  readonly #userNames: UserNames;
  readonly #devices: Devices;
  /** Re-authentication → when it was requested. */
  readonly #requested = new Map<string, number>();
  #failed: LogEvent | undefined;

  constructor(userNames: UserNames, devices: Devices) {
    this.#userNames = userNames;
    this.#devices = devices;
  }

  /** Undefined for a line that is not shown. */
  of(node: string, line: LogEvent): Remark | undefined {
    const read = (field: string): string | undefined => textOf(line[field]);
    const id = read("reauthentication");
    if (line.event === "reauthentication.requested" && id !== undefined) this.#note(id, line.time);
    if (this.#isRepeated(line)) return undefined;
    const describe = DESCRIPTIONS[line.event];
    const description =
      describe === undefined
        ? warning(node, line)
        : describe((field) => read(field) ?? this.#took(field, line));
    if (description === undefined) return undefined;
    const [who, label] =
      describe === undefined ? ["", () => ""] : [this.#who(line), () => this.#label(line)];
    return { ...description, who, label, at: line.time, callId: read("callId") };
  }

  /** A wrong answer is one line, its refusal another one with the same reason. */
  #isRepeated(line: LogEvent): boolean {
    if (line.event === "authentication.failed") this.#failed = line;
    const failed = this.#failed;
    if (line.event !== "registration.refused" || failed === undefined) return false;
    return failed["callId"] === line["callId"] && failed["why"] === line["why"];
  }

  #note(id: string, at: number): void {
    this.#requested.set(id, at);
    const [oldest] = this.#requested.keys();
    if (this.#requested.size > 1_000 && oldest !== undefined) this.#requested.delete(oldest);
  }

  #took(field: string, line: LogEvent): string | undefined {
    const asked = this.#requested.get(textOf(line["reauthentication"]) ?? "");
    return field === "took" && asked !== undefined ? String(line.time - asked) : undefined;
  }

  /** The user that the line names, else the address. */
  #who(line: LogEvent): string {
    const named = textOf(line["impi"]) ?? textOf(line["impu"]);
    if (named !== undefined) return this.#userNames.nameOf(named) ?? named;
    const device = this.#device(line);
    return device?.user ?? device?.label ?? addressIn(line) ?? "";
  }

  /** Of a user's devices the one with the line's Call-ID or address. */
  #label(line: LogEvent): string {
    const who = this.#who(line);
    const device = this.#device(line);
    return device?.user === who ? device.label : who;
  }

  #device(line: LogEvent): Device | undefined {
    const address = addressIn(line);
    const ofCall = this.#devices.ofCall(textOf(line["callId"]) ?? "");
    return ofCall ?? (address === undefined ? undefined : this.#devices.atAddress(address));
  }
}

function addressIn(line: LogEvent): string | undefined {
  const source = textOf(line["source"] ?? line["flow"] ?? line["peer"]);
  return source === undefined ? undefined : addressOf(source);
}

/** `192.0.2.7:5062/udp`, or a flow: `udp 127.0.0.1:5060 192.0.2.7:5062`, whose last is the peer. */
function addressOf(source: string): string | undefined {
  const [transport = "", ...words] = source.split(" ");
  if (words.length === 0) return source;
  const peer = words.findLast((word) => /:\d+$/.test(word));
  return peer === undefined ? undefined : `${peer}/${transport}`;
}

function refusal(read: Read): Description {
  return bad(`${read("status") ?? "refused"}: ${read("why") ?? read("reason")}`);
}

function good(text: string): Description {
  return { tone: "good", text };
}

function bad(text: string | undefined): Description {
  return { tone: "bad", text: `: ${text ?? "no reason was given"}` };
}

function note(text: string): Description {
  return { tone: "note", text };
}

/** A warning or error without a description: its name and its fields. */
function warning(node: string, line: LogEvent): Description {
  if (NOT_SHOWN.has(line.event) || (line.level !== "warn" && line.level !== "error"))
    return undefined;
  const { event, level: _, time: __, node: ___, ...fields } = line;
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${textOf(value)}`);
  return { tone: line.level === "error" ? "bad" : "note", text: [node, event, ...parts].join(" ") };
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
