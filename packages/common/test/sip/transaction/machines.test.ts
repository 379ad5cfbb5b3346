// The four transaction machines, timer by timer: RFC 3261 §17 and table 4, RFC 6026, RFC 4320.
import { describe, expect, test } from "vitest";
import {
  type InviteClientState,
  stepInviteClient,
} from "../../../src/sip/transaction/invite-client.ts";
import {
  type InviteServerState,
  stepInviteServer,
} from "../../../src/sip/transaction/invite-server.ts";
import {
  type ClientInput,
  type Effect,
  type MachineContext,
  machineContext,
  type ServerInput,
  type Step,
} from "../../../src/sip/transaction/machine.ts";
import {
  type NonInviteClientState,
  stepNonInviteClient,
} from "../../../src/sip/transaction/non-invite-client.ts";
import {
  type NonInviteServerState,
  stepNonInviteServer,
} from "../../../src/sip/transaction/non-invite-server.ts";
import { IMS_TIMERS, type TimerName, timerValues } from "../../../src/sip/transaction/timers.ts";

const udp = machineContext(timerValues(), false);
const tcp = machineContext(timerValues(), true);

const INITIAL = { name: "initial" } as const;

type Machine = "invite client" | "client" | "invite server" | "server";

/** Feeds inputs written as words: `start`, `200` (response or answer), `A` (a timer), `request`, `ack`. */
function run(machine: Machine, context: MachineContext, words: string): [string, string] {
  const steps: Record<Machine, (inputs: readonly string[]) => Step<{ readonly name: string }>> = {
    "invite client": (inputs) =>
      fold<InviteClientState, ClientInput>(inputs.map(clientInput), (state, input) =>
        stepInviteClient(context, state, input),
      ),
    client: (inputs) =>
      fold<NonInviteClientState, ClientInput>(inputs.map(clientInput), (state, input) =>
        stepNonInviteClient(context, state, input),
      ),
    "invite server": (inputs) =>
      fold<InviteServerState, ServerInput>(inputs.map(serverInput), (state, input) =>
        stepInviteServer(context, state, input),
      ),
    server: (inputs) =>
      fold<NonInviteServerState, ServerInput>(inputs.map(serverInput), (state, input) =>
        stepNonInviteServer(context, state, input),
      ),
  };
  const { state, effects } = steps[machine](words.split(" "));
  return [state.name, effects.map(inWords).join(" ")];
}

/** The last step's result. */
function fold<State extends { readonly name: string }, Input>(
  inputs: readonly Input[],
  step: (state: State | typeof INITIAL, input: Input) => Step<State>,
): Step<{ readonly name: string }> {
  let last: Step<State> | undefined;
  for (const input of inputs) last = step(last?.state ?? INITIAL, input);
  if (last === undefined) throw new Error("no input");
  return last;
}

function clientInput(word: string): ClientInput {
  if (word === "start") return { kind: "start" };
  if (word === "broken") return { kind: "transport-failure" };
  if (/^\d+$/.test(word)) return { kind: "response", status: Number(word) };
  return { kind: "timer", timer: word as TimerName };
}

function serverInput(word: string): ServerInput {
  if (word === "start" || word === "request" || word === "ack") return { kind: word };
  if (/^\d+$/.test(word)) return { kind: "respond", status: Number(word) };
  return { kind: "timer", timer: word as TimerName };
}

function inWords(effect: Effect): string {
  if (effect.kind === "start") return `${effect.timer}=${effect.ms}`;
  if (effect.kind === "stop") return `-${effect.timer}`;
  return effect.kind === "fail" ? effect.why : effect.kind;
}

type Row = [Machine, MachineContext, words: string, state: string, effects: string];

/** One table per timer; the last word is the step whose effects are shown. */
const tables: Record<string, Row[]> = {
  "Timer A doubles without limit on UDP, is not set on TCP (RFC 3261 §17.1.1.2)": [
    ["invite client", udp, "start", "calling", "send B=32000 A=500"],
    ["invite client", udp, "start A", "calling", "resend A=1000"],
    ["invite client", udp, "start A A A A", "calling", "resend A=8000"],
    ["invite client", udp, "start A 180", "proceeding", "-A -B deliver"],
    ["invite client", udp, "start 180 A", "proceeding", ""],
    ["invite client", tcp, "start", "calling", "send B=32000"],
  ],
  "Timer B ends an INVITE without any response (RFC 3261 §17.1.1.2)": [
    ["invite client", udp, "start B", "terminated", "-A timeout"],
    ["invite client", tcp, "start B", "terminated", "-A timeout"],
    ["invite client", udp, "start 100 B", "proceeding", ""],
  ],
  "Timer D absorbs repeated failure responses on UDP (RFC 3261 §17.1.1.2)": [
    ["invite client", udp, "start 486", "completed", "-A -B ack D=32000 deliver"],
    ["invite client", udp, "start 486 486", "completed", "resend"],
    ["invite client", udp, "start 486 D", "terminated", ""],
    ["invite client", udp, "start 486 200", "completed", ""],
    ["invite client", tcp, "start 180 486", "terminated", "-A -B ack deliver"],
  ],
  "Timer M keeps a client for the 2xx of other forks (RFC 6026 §7.2)": [
    ["invite client", udp, "start 200", "accepted", "-A -B M=32000 deliver"],
    ["invite client", tcp, "start 200", "accepted", "-A -B M=32000 deliver"],
    ["invite client", udp, "start 200 200", "accepted", "deliver"],
    ["invite client", udp, "start 200 486", "accepted", ""],
    ["invite client", udp, "start 200 M", "terminated", ""],
  ],
  "Timer E doubles up to T2 and stays at T2 in Proceeding (RFC 3261 §17.1.2.2)": [
    ["client", udp, "start", "trying", "send F=32000 E=500"],
    ["client", udp, "start E", "trying", "resend E=1000"],
    ["client", udp, "start E E E", "trying", "resend E=4000"],
    ["client", udp, "start E E E E", "trying", "resend E=4000"],
    ["client", udp, "start 100", "proceeding", "deliver"],
    ["client", udp, "start 100 E", "proceeding", "resend E=4000"],
    ["client", tcp, "start", "trying", "send F=32000"],
  ],
  "Timer F ends a request without final response, also after a 100 (RFC 3261 §17.1.2.2)": [
    ["client", udp, "start F", "terminated", "-E timeout"],
    ["client", udp, "start 100 F", "terminated", "-E timeout"],
    ["client", tcp, "start F", "terminated", "-E timeout"],
    ["client", udp, "start 200 F", "completed", ""],
  ],
  "Timer K absorbs repeated responses on UDP (RFC 3261 §17.1.2.2)": [
    ["client", udp, "start 200", "completed", "-E -F K=5000 deliver"],
    ["client", udp, "start 200 200", "completed", ""],
    ["client", udp, "start 200 K", "terminated", ""],
    ["client", tcp, "start 200", "terminated", "-E -F deliver"],
  ],
  "Timer G repeats a failure response up to T2 on UDP (RFC 3261 §17.2.1)": [
    ["invite server", udp, "start 486", "completed", "-trying send H=32000 G=500"],
    ["invite server", udp, "start 486 G", "completed", "resend G=1000"],
    ["invite server", udp, "start 486 G G G G", "completed", "resend G=4000"],
    ["invite server", udp, "start 486 request", "completed", "resend"],
    ["invite server", tcp, "start 486", "completed", "-trying send H=32000"],
  ],
  "Timer H ends the wait for an ACK (RFC 3261 §17.2.1)": [
    ["invite server", udp, "start 486 H", "terminated", "-G"],
    ["invite server", tcp, "start 486 H", "terminated", "-G"],
  ],
  "Timer I absorbs repeated ACKs on UDP (RFC 3261 §17.2.1)": [
    ["invite server", udp, "start 486 ack", "confirmed", "-G -H I=5000"],
    ["invite server", udp, "start 486 ack ack", "confirmed", ""],
    ["invite server", udp, "start 486 ack request", "confirmed", ""],
    ["invite server", udp, "start 486 ack I", "terminated", ""],
    ["invite server", tcp, "start 486 ack", "terminated", "-H"],
  ],
  "Timer J repeats the final response to repeated requests on UDP (RFC 3261 §17.2.2)": [
    ["server", udp, "start 200", "completed", "-trying -late send J=32000"],
    ["server", udp, "start 200 request", "completed", "resend"],
    ["server", udp, "start 200 500", "completed", ""],
    ["server", udp, "start 200 J", "terminated", ""],
    ["server", tcp, "start 200", "terminated", "-trying -late send"],
  ],
  "Timer L absorbs repeated INVITEs after a 2xx on every transport (RFC 6026 §7.1)": [
    ["invite server", udp, "start 200", "accepted", "-trying send L=32000"],
    ["invite server", tcp, "start 200", "accepted", "-trying send L=32000"],
    ["invite server", udp, "start 200 request", "accepted", ""],
    ["invite server", udp, "start 200 200", "accepted", "send"],
    ["invite server", udp, "start 200 486", "accepted", ""],
    ["invite server", udp, "start 200 ack", "accepted", "deliver"],
    ["invite server", udp, "start 200 L", "terminated", ""],
  ],
  "An INVITE that its user does not answer in 200 ms gets a 100 (RFC 3261 §17.2.1)": [
    ["invite server", udp, "start", "proceeding", "trying=200 deliver"],
    ["invite server", udp, "start request", "proceeding", ""],
    ["invite server", udp, "start trying", "proceeding", "send-trying"],
    ["invite server", udp, "start trying request", "proceeding", "resend"],
    ["invite server", udp, "start 180", "proceeding", "-trying send"],
    ["invite server", udp, "start 180 trying", "proceeding", ""],
  ],
  "Another request gets its 100 when Timer E is at T2, no earlier and no other (RFC 4320 §4.1)": [
    ["server", udp, "start", "trying", "trying=3500 deliver"],
    ["server", udp, "start request", "trying", ""],
    ["server", udp, "start 100", "trying", ""],
    ["server", udp, "start 183", "trying", ""],
    ["server", udp, "start trying", "proceeding", "send-trying late=28500"],
    ["server", udp, "start trying request", "proceeding", "resend"],
    ["server", tcp, "start 100", "proceeding", "send"],
    ["server", tcp, "start 100 trying", "proceeding", "late=28500"],
  ],
  "No 408, and no final response once the client has given up (RFC 4320 §4.2)": [
    ["server", udp, "start 408", "trying", ""],
    ["server", udp, "start trying late", "terminated", ""],
    ["server", udp, "start trying late 200", "terminated", ""],
  ],
  "What cannot be sent fails at once, but not after a response (RFC 3261 §17.1.4)": [
    ["client", udp, "start broken", "terminated", "-E -F transport"],
    ["client", tcp, "start 100 broken", "terminated", "-E -F transport"],
    ["client", udp, "start 200 broken", "completed", ""],
    ["invite client", udp, "start broken", "terminated", "-A -B transport"],
    ["invite client", udp, "start 180 broken", "proceeding", ""],
    ["invite client", udp, "start 200 broken", "accepted", ""],
  ],
};

for (const [title, rows] of Object.entries(tables)) {
  describe(title, () => {
    test.each(rows)("%s", (machine, context, words, state, effects) => {
      expect(run(machine, context, words), words).toEqual([state, effects]);
    });
  });
}

test("TS 24.229 §7.7: values at the UE and towards it", () => {
  const values = timerValues(IMS_TIMERS);
  expect(values).toMatchObject({ A: 2000, B: 128_000, E: 2000, F: 128_000, J: 128_000, K: 17_000 });
  expect(values).toMatchObject({ t2: 16_000, nonInviteTrying: 14_000, D: 128_000, I: 17_000 });
});

test("RFC 3261 §17.1.1.2: Timer D is at least 32 s however short T1 is", () => {
  expect(timerValues({ t1: 10 })).toMatchObject({ B: 640, D: 32_000 });
});
