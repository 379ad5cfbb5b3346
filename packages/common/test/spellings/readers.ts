// Models of other programs' readings of a request, strict and careless, to see whether they would agree.

/** What decides where a message ends and whose it is. */
export interface Reading {
  readonly method: string;
  readonly callId: string;
  readonly fromTag: string;
  readonly toTag: string;
  readonly cseq: string;
  readonly branch: string;
  /** Of the body, as the header says. */
  readonly length: string;
}

interface Habits {
  /** What ends a line. */
  readonly lineEnd: RegExp;
  /** What goes on with the line before. */
  readonly fold: RegExp;
  /** Taken off both ends of names and values. */
  readonly blank: RegExp;
  /** Of two lines of one name, of two parameters of one name. */
  readonly takes: "first" | "last";
  /** Where it stops reading. */
  readonly stopsAtNul: boolean;
}

const STRICT: Habits = {
  lineEnd: /\r\n/,
  fold: /^[ \t]/,
  blank: /^[ \t]+|[ \t]+$/g,
  takes: "first",
  stopsAtNul: false,
};

/** By name: what a reader may well be like. */
export const READERS: Readonly<Record<string, Habits>> = {
  strict: STRICT,
  "takes the last": { ...STRICT, takes: "last" },
  "JavaScript's white space": { ...STRICT, blank: /^\s+|\s+$/g, fold: /^\s/ },
  "any control octet is a blank": {
    ...STRICT,
    blank: /^[\0-\x20\x7f-\xa0]+|[\0-\x20\x7f-\xa0]+$/g,
  },
  "LF ends a line": { ...STRICT, lineEnd: /\r?\n/ },
  "CR or LF ends a line": { ...STRICT, lineEnd: /\r\n|\r|\n/ },
  "C strings": { ...STRICT, stopsAtNul: true, blank: /^[\t-\r ]+|[\t-\r ]+$/g },
};

const LONG: Readonly<Record<string, string>> = {
  v: "via",
  f: "from",
  t: "to",
  i: "call-id",
  l: "content-length",
};

export function readingOf(bytes: Buffer, habits: Habits): Reading {
  const all = bytes.toString("latin1");
  const head = all.slice(0, all.indexOf("\r\n\r\n"));
  const text = habits.stopsAtNul ? (head.split("\0")[0] ?? "") : head;
  const [start = "", ...lines] = unfolded(text.split(habits.lineEnd), habits.fold);
  const trim = (each: string): string => each.replace(habits.blank, "");
  const values = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = trim(line.slice(0, Math.max(colon, 0))).toLowerCase();
    const known = LONG[name] ?? name;
    values.set(known, [...(values.get(known) ?? []), trim(line.slice(colon + 1))]);
  }
  const value = (name: string): string => chosen(values.get(name) ?? [], habits.takes);
  // The topmost Via is the first, whoever reads.
  const via = values.get("via")?.[0] ?? "";
  return {
    method: trim(start.split(" ")[0] ?? ""),
    callId: value("call-id"),
    fromTag: parameter(value("from"), "tag", habits),
    toTag: parameter(value("to"), "tag", habits),
    cseq: value("cseq")
      .split(/[ \t]+/)
      .map(trim)
      .join(" "),
    branch: parameter(via.split(",")[0] ?? "", "branch", habits),
    length: value("content-length"),
  };
}

function unfolded(lines: readonly string[], fold: RegExp): string[] {
  const whole: string[] = [];
  for (const line of lines) {
    if (whole.length > 1 && fold.test(line)) whole[whole.length - 1] += ` ${line.trimStart()}`;
    else whole.push(line);
  }
  return whole;
}

function parameter(value: string, name: string, { blank, takes }: Habits): string {
  const outside = value.replace(/"(?:[^"\\]|\\[\s\S])*"/g, "").replace(/<[^>]*>/g, "");
  const found = outside
    .split(";")
    .slice(1)
    .flatMap((each) => {
      const [key = "", text = ""] = each.split("=").map((part) => part.replace(blank, ""));
      return key.toLowerCase() === name ? [text] : [];
    });
  return chosen(found, takes);
}

function chosen(values: readonly string[], takes: "first" | "last"): string {
  return (takes === "first" ? values[0] : values.at(-1)) ?? "";
}
