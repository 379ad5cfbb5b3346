// Damage that leaves a live message deep enough to be read: one value, the body, a line of another message.
import type { Random } from "@ims-lab/common/platform/random";
import { mutate, pick } from "./mutate.ts";

/** Damages `bytes` in one way; `others` passed the same wire before. */
export function damage(bytes: Buffer, others: readonly Buffer[], random: Random): Buffer {
  return pick(WAYS, random)(bytes, others, random);
}

type Way = (bytes: Buffer, others: readonly Buffer[], random: Random) => Buffer;

const END_OF_HEADERS = "\r\n\r\n";

interface Parts {
  readonly lines: string[];
  readonly body: Buffer;
}

function partsOf(bytes: Buffer): Parts {
  const end = bytes.indexOf(END_OF_HEADERS);
  const head = end < 0 ? bytes : bytes.subarray(0, end);
  const body = end < 0 ? Buffer.alloc(0) : bytes.subarray(end + END_OF_HEADERS.length);
  return { lines: head.toString("latin1").split("\r\n"), body };
}

function joined({ lines, body }: Parts): Buffer {
  return Buffer.concat([Buffer.from(lines.join("\r\n") + END_OF_HEADERS, "latin1"), body]);
}

/** RFC 3261 §20.14: a length that fits, so that the body is looked at. */
function withBody({ lines }: Parts, body: Buffer): Buffer {
  const fitting = lines.map((line) =>
    /^(content-length|l)\s*:/i.test(line) ? `Content-Length: ${body.length}` : line,
  );
  return joined({ lines: fitting, body });
}

const WAYS: readonly Way[] = [
  (bytes, _others, random) => mutate(bytes, random),
  (bytes, _others, random) => mutate(bytes, random),
  (bytes, _others, random) => withOneValue(bytes, random),
  (bytes, _others, random) => withOneValue(bytes, random),
  (bytes, _others, random) => withOneValue(bytes, random),
  (bytes, _others, random) => {
    const parts = partsOf(bytes);
    return parts.body.length === 0
      ? withOneValue(bytes, random)
      : withBody(parts, mutate(parts.body, random));
  },
  (bytes, others, random) => spliced(bytes, pick([bytes, ...others], random), random),
  (bytes, others, random) => spliced(bytes, pick([bytes, ...others], random), random),
  // the body of another
  (bytes, others, random) => {
    const { body } = partsOf(pick([bytes, ...others], random));
    return withBody(partsOf(bytes), body);
  },
];

function withOneValue(bytes: Buffer, random: Random): Buffer {
  const parts = partsOf(bytes);
  const at = Math.floor(random.fraction() * parts.lines.length);
  const [, name = "", value = ""] = /^([^:]*:\s*)?(.*)$/s.exec(parts.lines[at] ?? "") ?? [];
  parts.lines[at] = name + mutate(Buffer.from(value, "latin1"), random).toString("latin1");
  return joined(parts);
}

/** A header line of another message, in the place of ours of that name or beside it. */
function spliced(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const parts = partsOf(bytes);
  const foreign = partsOf(other).lines.slice(1);
  if (foreign.length === 0) return bytes;
  const line = pick(foreign, random);
  const name = (line.split(":")[0] ?? "").toLowerCase();
  const own = parts.lines.findIndex((one) => one.toLowerCase().startsWith(`${name}:`));
  if (own > 0 && random.fraction() < 0.7) parts.lines[own] = line;
  else parts.lines.splice(1, 0, line);
  return joined(parts);
}
