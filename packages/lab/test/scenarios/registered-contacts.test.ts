// Random REGISTERs at both CSCFs: the bindings of each, and those of the rules written down plainly. RFC 3261 §10.3 step 7.
import { expiresOf } from "@ims-lab/common/ims/registered-contacts";
import { Contact } from "@ims-lab/common/sip/message/fields";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import fc from "fast-check";
import { expect, test } from "vitest";
import { contactsOf } from "../../../pcscf/src/bindings/binding.ts";
import { Lab } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

/** `phone` need not subscribe: no deadline comes in between. */
const USER = "phone";
const MOST = 3;

/** Each line is one URI in spellings that are equal by §19.1.4; no two lines are equal. */
const URIS = [
  [
    "sip:a@10.9.0.1:5060;transport=tcp;ob",
    "sip:%61@10.9.0.1:5060;ob;Transport=TCP",
    "sip:a@10.9.0.1:5060;transport=tcp",
  ],
  ["sip:a@10.9.0.1:5060", "sip:%61@10.9.0.1:5060;x=1", "sip:a@10.9.0.1:5060;ob"],
  ["sip:a@10.9.0.1", "sip:a@10.9.0.1;x=1", "sip:%61@10.9.0.1"],
  ["sip:a@10.9.0.2:5060", "sip:a@10.9.0.2:5060;y=2", "SIP:a@10.9.0.2:5060"],
  ["sip:B@10.9.0.1:5060", "sip:%42@10.9.0.1:5060", "sip:B@10.9.0.1:5060;ob"],
] as const;
const LINE_OF = new Map(URIS.flatMap((line, at) => line.map((text) => [text as string, at])));

/** What stands in `+sip.instance`, and whom it names. */
const INSTANCES: readonly (readonly [text: string, device: string | undefined])[] = [
  ["", undefined],
  ['"<>"', undefined],
  ['"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"', "i"],
  ['"<URN:uuid:00000000-0000-1000-8000-000A95A0E128>"', "i"],
  ['"<urn:gsma:imei:35245510-420381-0>"', "j"],
];

interface Written {
  readonly line: number;
  readonly spelling: number;
  readonly instance: number;
  readonly regId: boolean;
  readonly leaves: boolean;
}

interface Step {
  /** Which of three addresses it comes from. */
  readonly from: number;
  readonly callId: number;
  /** The device counts anew. */
  readonly restarts: boolean;
  readonly contacts: readonly Written[] | "*";
}

const written = fc.record<Written>({
  line: fc.nat(URIS.length - 1),
  spelling: fc.nat(2),
  instance: fc.nat(INSTANCES.length - 1),
  regId: fc.boolean(),
  leaves: fc.boolean(),
});

const step = fc.record<Step>({
  from: fc.nat(2),
  callId: fc.nat(1),
  restarts: fc.nat(5).map((chance) => chance === 0),
  contacts: fc.oneof(
    { weight: 12, arbitrary: fc.array(written, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant("*" as const) },
  ),
});

/** A binding as the rules have it. */
interface Bound {
  readonly line: number;
  readonly device: string | undefined;
  readonly callId: number;
  readonly cseq: number;
  /** When it was first bound, no two alike: the oldest make room. */
  readonly since: number;
}

/** What the rules make of one REGISTER; undefined where it is refused and changes nothing. */
function after(
  before: readonly Bound[],
  { contacts, callId }: Step,
  { cseq, at }: { readonly cseq: number; readonly at: number },
): readonly Bound[] | undefined {
  const isLate = (one: Bound): boolean => one.callId === callId && one.cseq >= cseq;
  if (contacts === "*") return before.some(isLate) ? undefined : [];
  const last = contacts.filter(
    (one, place) => !contacts.slice(place + 1).some((later) => later.line === one.line),
  );
  const deviceOf = ({ instance }: Written): string | undefined => INSTANCES[instance]?.[1];
  const arriving = last.filter(({ leaves }) => !leaves);
  const leaving = last.filter(({ leaves }) => leaves);
  if (arriving.length > MOST) return undefined;
  const of = (line: number): Bound | undefined => before.find((one) => one.line === line);
  // What is given up for a new Contact of its device has moved there, and is no removal of its own.
  const hasMoved = ({ line, leaves }: Written): boolean => {
    const device = of(line)?.device;
    const there = arriving.filter((one) => deviceOf(one) === device);
    const [first] = there.filter((one) => of(one.line)?.device !== device);
    return leaves && device !== undefined && first !== undefined && of(first.line) === undefined;
  };
  const meant = last.filter((one) => !hasMoved(one)).flatMap(({ line }) => of(line) ?? []);
  if (meant.some(isLate)) return undefined;

  // A Contact that is new to its device takes that device away from wherever else it was.
  const moved = new Set<string>();
  for (const one of arriving) {
    const device = deviceOf(one);
    if (device !== undefined && of(one.line)?.device !== device) moved.add(device);
  }
  // One that leaves means its own URI; only where that is not bound, its device.
  const gone = new Set<string>();
  for (const one of leaving) {
    const device = deviceOf(one);
    const arrives = arriving.some((other) => deviceOf(other) === device);
    if (device !== undefined && of(one.line) === undefined && !arrives) gone.add(device);
  }
  const others = before.filter(
    ({ line, device }) =>
      !last.some((one) => one.line === line) &&
      !(device !== undefined && (moved.has(device) || gone.has(device))),
  );
  // The binding of a device goes on where it moves to, and keeps its age.
  const taken = new Set<string>();
  const now = arriving.map((one, place): Bound => {
    const device = deviceOf(one);
    const own = of(one.line);
    let former = own;
    if (own?.device !== device && device !== undefined && !taken.has(device)) {
      taken.add(device);
      former ??= oldestFirst(before).find(
        (known) => known.device === device && !arriving.some(({ line }) => line === known.line),
      );
    }
    return { line: one.line, device, callId, cseq, since: former?.since ?? at * 10 + place };
  });
  const room = Math.max(0, MOST - now.length);
  const excess = now.length === 0 ? 0 : Math.max(0, others.length - room);
  const byAge = oldestFirst(others);
  const kept = others.filter((one) => !byAge.slice(0, excess).includes(one));
  return [...kept, ...now];
}

function oldestFirst(all: readonly Bound[]): readonly Bound[] {
  return [...all].sort((a, b) => a.since - b.since);
}

function textOf({ line, spelling, instance, regId, leaves }: Written): string {
  const [text = ""] = INSTANCES[instance] ?? [];
  const device = text === "" ? "" : `;+sip.instance=${text}${regId ? ";reg-id=1" : ""}`;
  return `<${URIS[line]?.[spelling]}>${device}${leaves ? ";expires=0" : ""}`;
}

function linesOf(contacts: Iterable<string>): readonly (number | undefined)[] {
  return [...contacts].map((contact) => LINE_OF.get(contact)).sort();
}

/** What a 200 says is bound. */
function listedIn(response: SipResponse): readonly string[] {
  return response
    .all(Contact)
    .flatMap((row) => (row === "*" || expiresOf(row.params) === 0 ? [] : row.uriText));
}

/** Contact and Path token of each binding. */
function placesAt(lab: Lab): {
  readonly scscf: readonly string[];
  readonly pcscf: readonly string[];
} {
  const placed = (contact: string, token: string | undefined): string =>
    `${LINE_OF.get(contact)} ${token}`;
  const tokenIn = (path: string | undefined): string | undefined => /:(.*)@/.exec(path ?? "")?.[1];
  const scscf = lab.atScscf(USER).map(({ contact, path }) => placed(contact, tokenIn(path[0])));
  const pcscf = [...lab.pcscf.table.all()].flatMap((binding) =>
    contactsOf(binding).map(({ contact }) => placed(contact, binding.token)),
  );
  return { scscf: scscf.sort(), pcscf: pcscf.sort() };
}

/** One REGISTER with its answer to a challenge; the CSeq that counted in the end. */
function perform(ue: ScriptedUe, { contacts, callId }: Step, cseq: number): SipResponse {
  ue.callId = `call-${callId}`;
  ue.cseq = cseq;
  return contacts === "*"
    ? ue.register({ contact: "*", expires: 0 })
    : ue.register({ contact: contacts.map(textOf).join(", "), expires: 3600 });
}

function expectAgreement(lab: Lab, response: SipResponse, expected: readonly Bound[]): void {
  const lines = expected.map(({ line }) => line).sort();
  const { scscf, pcscf } = placesAt(lab);
  expect(linesOf(lab.atScscf(USER).map(({ contact }) => contact))).toEqual(lines);
  expect(pcscf).toEqual(scscf);
  if (response.status === 200) expect(linesOf(listedIn(response))).toEqual(lines);
}

/** How many bindings there were on the way. */
async function play(steps: readonly Step[]): Promise<number> {
  const lab = await Lab.start({
    scscf: { "contacts.maxPerImpi": MOST, "subscription.optionalMaxExpiresSeconds": 3600 },
  });
  const devices = await Promise.all([0, 1, 2].map(() => ScriptedUe.start(lab, USER)));
  const counts = [0, 0];
  let expected: readonly Bound[] = [];
  let seen = 0;
  for (const [at, one] of steps.entries()) {
    const ue = devices[one.from];
    if (ue === undefined) throw new Error("no such device");
    const count = counts[one.callId] ?? 0;
    const response = perform(ue, one, one.restarts ? 0 : count);
    counts[one.callId] = Math.max(count, ue.cseq);
    const next = after(expected, one, { cseq: ue.cseq, at });
    expect(response.status === 200).toBe(next !== undefined);
    expected = next ?? expected;
    expectAgreement(lab, response, expected);
    seen += expected.length;
  }
  await Promise.all([lab.scscf.stop(), lab.pcscf.stop(), lab.clock.advanceAsync(2000)]);
  return seen;
}

test("both nodes have the bindings that the rules say, Contact by Contact and Path by Path", async () => {
  let seen = 0;
  const steps = fc.array(step, { minLength: 1, maxLength: 12 });
  const runs = fc.asyncProperty(steps, async (given) => {
    seen += await play(given);
  });
  await fc.assert(runs, { numRuns: 60 });
  expect(seen).toBeGreaterThan(100);
}, 120_000);
