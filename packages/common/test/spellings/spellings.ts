// Well-formed requests, written otherwise: white space of every kind, folds, doubles, look-alikes, compact and empty forms.
import fc from "fast-check";

export interface Written {
  readonly start: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Blanks of SIP, of JavaScript, of C, of nobody; ends of lines. */
const OCTETS = [
  ...' \t\x00\x07\x0b\x0c\x1c\x7f\x85\xa0\r\n\\"<>;,:=é',
  "\r\n ",
  "\r\n\t",
  "\n\r",
  "\n ",
  "\r ",
  "\r\n",
  "  ",
];

const COMPACT: Readonly<Record<string, string>> = {
  Via: "v",
  From: "f",
  To: "t",
  "Call-ID": "i",
  Contact: "m",
  "Content-Length": "l",
  "Content-Type": "c",
};

/** What another reader could take for a header of this name, or for another value of it. */
const NAMES = [..."vftilmcVFTILMC", ...Object.keys(COMPACT), "CSeq", "Max-Forwards", "Route"];
const VALUES = [
  "",
  "0",
  "5",
  "05",
  "+5",
  "5 5",
  "5,5",
  "0x5",
  "-5",
  "5;x=1",
  "4294967301",
  "999999999999999999999",
  "1 OPTIONS",
  "2\tMESSAGE",
  "<sip:x@ims.example>;tag=other",
  "sip:x@ims.example;tag=other",
  '"<sip:y@z>;tag=no" <sip:x@ims.example>;tag=other',
  "other@call.example",
  "SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bKother",
  "<sip:x@192.0.2.77>",
  ";tag=other",
  ";tag=",
  "x\r\n y",
];

/** One thing that is written otherwise; `which` and `at` are taken modulo what there is. */
export type Change =
  | { readonly kind: "octets"; readonly which: number; readonly at: number; readonly text: string }
  | { readonly kind: "name"; readonly which: number; readonly as: "lower" | "upper" | "compact" }
  | {
      readonly kind: "blanks";
      readonly which: number;
      readonly before: string;
      readonly behind: string;
    }
  | { readonly kind: "double"; readonly which: number; readonly value: string | null }
  | { readonly kind: "value"; readonly which: number; readonly value: string }
  | { readonly kind: "appended"; readonly which: number; readonly text: string }
  | {
      readonly kind: "line";
      readonly which: number;
      readonly name: string;
      readonly odd: string;
      readonly value: string;
    }
  | { readonly kind: "line-end"; readonly which: number; readonly text: string }
  | { readonly kind: "removed"; readonly which: number }
  | { readonly kind: "start"; readonly at: number; readonly text: string };

const any = fc.nat({ max: 1000 });
const odd = fc.constantFrom(...OCTETS);
const blanks = fc.constantFrom("", " ", "\t", " \t ", "\r\n ", "\r\n\t", "\x0b", "\xa0", "\x0c");
const value = fc.constantFrom(...VALUES);

const aChange: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("octets" as const), which: any, at: any, text: odd }),
  fc.record({
    kind: fc.constant("name" as const),
    which: any,
    as: fc.constantFrom("lower" as const, "upper" as const, "compact" as const),
  }),
  fc.record({ kind: fc.constant("blanks" as const), which: any, before: blanks, behind: blanks }),
  fc.record({ kind: fc.constant("double" as const), which: any, value: fc.option(value) }),
  fc.record({ kind: fc.constant("value" as const), which: any, value }),
  fc.record({
    kind: fc.constant("appended" as const),
    which: any,
    text: fc.constantFrom(...OCTETS, ";tag=other", ";branch=z9hG4bKother", ", x", ';x="a\\"b,c"'),
  }),
  fc.record({
    kind: fc.constant("line" as const),
    which: any,
    name: fc.constantFrom(...NAMES),
    odd: fc.constantFrom("", ...OCTETS),
    value,
  }),
  fc.record({
    kind: fc.constant("line-end" as const),
    which: any,
    text: fc.constantFrom("\n", "\r", "\n\r", "\r\r\n", "\r\n\n", "\x0b\r\n", " \r\n", "\r\n \r\n"),
  }),
  fc.record({ kind: fc.constant("removed" as const), which: any }),
  fc.record({ kind: fc.constant("start" as const), at: any, text: odd }),
);

/** What the grammar allows, mostly. */
const aMildChange: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant("name" as const),
    which: any,
    as: fc.constantFrom("lower" as const, "upper" as const, "compact" as const),
  }),
  fc.record({
    kind: fc.constant("blanks" as const),
    which: any,
    before: fc.constantFrom("", " ", "\t", " \t "),
    behind: fc.constantFrom("", " ", "\t", "\r\n ", "\r\n\t \r\n "),
  }),
  fc.record({
    kind: fc.constant("appended" as const),
    which: any,
    text: fc.constantFrom(" ", "\t", "\r\n ", " \r\n\t", ';x="a\\"b,<c>;tag=no"', " ; y = z"),
  }),
  fc.record({
    kind: fc.constant("line" as const),
    which: any,
    name: fc.constantFrom("Subject", "X-Call-ID", "Content-Lengths", "Fromm", "Viaa", "User-Agent"),
    odd: fc.constantFrom("", " ", "\t"),
    value,
  }),
);

/** A few at once: of one alone it is known soonest what came of it. */
export const someChanges: fc.Arbitrary<readonly Change[]> = fc.oneof(
  fc.array(aMildChange, { minLength: 1, maxLength: 4 }),
  fc.array(aChange, { minLength: 1, maxLength: 2 }),
  fc.array(fc.oneof(aMildChange, aChange), { minLength: 2, maxLength: 3 }),
);

interface Line {
  name: string;
  before: string;
  behind: string;
  value: string;
  end: string;
}

export function octetsOf(written: Written, changes: readonly Change[] = []): Buffer {
  let { start } = written;
  const lines: Line[] = written.headers.map(([name, text]) => line(name, text));
  for (const change of changes) {
    if (change.kind === "start") start = inserted(start, change.at, change.text);
    else changeLines(lines, change);
  }
  const head = lines.map(
    (each) => `${each.name}${each.before}:${each.behind}${each.value}${each.end}`,
  );
  return Buffer.from(`${start}\r\n${head.join("")}\r\n${written.body}`, "latin1");
}

function line(name: string, text: string): Line {
  return { name, before: "", behind: " ", value: text, end: "\r\n" };
}

function changeLines(lines: Line[], change: Exclude<Change, { kind: "start" }>): void {
  const at = change.which % Math.max(lines.length, 1);
  const one = lines[at];
  if (one === undefined) return;
  switch (change.kind) {
    case "octets": {
      const nameEnd = one.name.length;
      const place = change.at % (nameEnd + one.value.length + 1);
      if (place <= nameEnd) one.name = inserted(one.name, place, change.text);
      else one.value = inserted(one.value, place - nameEnd - 1, change.text);
      return;
    }
    case "name":
      one.name =
        change.as === "compact"
          ? (COMPACT[one.name] ?? one.name)
          : change.as === "lower"
            ? one.name.toLowerCase()
            : one.name.toUpperCase();
      return;
    case "blanks":
      one.before = change.before;
      one.behind = change.behind;
      return;
    case "double":
      lines.splice(at, 0, { ...one, value: change.value ?? one.value });
      return;
    case "value":
      one.value = change.value;
      return;
    case "appended":
      one.value += change.text;
      return;
    case "line":
      lines.splice(at, 0, line(change.name + change.odd, change.value));
      return;
    case "line-end":
      one.end = change.text;
      return;
    case "removed":
      lines.splice(at, 1);
      return;
  }
}

function inserted(text: string, at: number, what: string): string {
  const place = at % (text.length + 1);
  return text.slice(0, place) + what + text.slice(place);
}
