// The story of a run: what was done and what failed, told between the messages that passed. The ladder of a failure.
import { isoTime } from "@ims-lab/common/platform/clock";
import { decode } from "@ims-lab/common/sip/message/decode";
import { formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";
import { FAKE_EPOCH } from "@ims-lab/common/testing/fake-clock";
import type { WirePassage } from "@ims-lab/common/testing/wire";
import { headline, highlights } from "../../src/launcher/highlights.ts";

interface Line {
  readonly at: number;
  readonly text: string;
}

export class Story {
  readonly #lines: Line[] = [];
  /** Somebody will read it: logs are worth their text. */
  readonly isTold: boolean;

  constructor(isTold: boolean) {
    this.isTold = isTold;
  }

  tell(at: number, text: string): void {
    this.#lines.push({ at, text });
  }

  /** The last `count` lines up to the end, with what passed on the wire. */
  ladder(
    passages: readonly WirePassage[],
    placeOf: (at: HostPort) => string,
    count: number,
  ): string {
    const messages = passages.slice(-count).flatMap((passage): Line[] => {
      const text = inWords(passage, placeOf);
      return text === undefined ? [] : [{ at: passage.at, text }];
    });
    const acts = this.#lines.map(({ at, text }) => ({ at, text: `** ${text}` }));
    const all = [...acts, ...messages].sort((a, b) => a.at - b.at);
    return all
      .slice(-count)
      .map(({ at, text }) => `${elapsed(at)}  ${text}`)
      .join("\n");
  }
}

/** Undefined for what is no SIP: keep-alives. */
function inWords(
  { bytes, from, to, fate }: WirePassage,
  placeOf: (at: HostPort) => string,
): string | undefined {
  const { message } = decode(bytes);
  if (message === undefined) return undefined;
  const notes = highlights(message);
  const said = `${headline(message, "short")}${notes === "" ? "" : ` (${notes})`}`;
  const { callId, cseq } = message;
  const lost = fate === "sent" ? "" : `  -- ${fate}`;
  return `${placeOf(from)} → ${placeOf(to)}: ${said}  [${callId.slice(0, 16)} ${cseq.number}]${lost}`;
}

/** Since the beginning: `00:12:03.250`. */
function elapsed(at: number): string {
  return isoTime(at - FAKE_EPOCH).slice(11, 23);
}

export function placeNames(nodes: ReadonlyMap<string, string>): (at: HostPort) => string {
  return (at) => nodes.get(at.host) ?? formatHostPort(at);
}
