// Reading, touching, editing and writing one REGISTER: this project's codec beside npm sip's.
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import {
  Authorization,
  Contact,
  CSeqField,
  From,
  MaxForwards,
  Via,
} from "@ims-lab/common/sip/message/fields";
import * as sip from "sip";
import { say } from "../output.ts";
import { OWN_PATH, OWN_VIA, SAMPLE } from "./sample.ts";

export interface CodecResult {
  readonly octets: number;
  /** Microseconds per message, the least of all runs. */
  readonly core: number;
  readonly coreDecode: number;
  readonly npmSip: number;
  readonly npmSipParse: number;
}

type Work = () => unknown;

/** Many short ones: a machine with other work to do interrupts few of them. */
const RUNS = 600;
const TURNS = 150;

export function measureCodec(): CodecResult {
  say(`codec: ${RUNS} runs of each, in turn`);
  const works: readonly Work[] = [relayCore, readCore, relayNpmSip, readNpmSip];
  const least = works.map(() => Number.POSITIVE_INFINITY);
  for (let run = 0; run < RUNS; run++) {
    works.forEach((work, at) => {
      least[at] = Math.min(least[at] ?? 0, microseconds(work));
    });
  }
  const [core = 0, coreDecode = 0, npmSip = 0, npmSipParse = 0] = least;
  return { octets: SAMPLE.length, core, coreDecode, npmSip, npmSipParse };
}

/** Keeps what was read from being optimised away. */
let seen = 0;

function microseconds(work: Work): number {
  const start = process.hrtime.bigint();
  for (let turn = 0; turn < TURNS; turn++) if (work() !== undefined) seen++;
  if (seen === 0) throw new Error("nothing could be read");
  return Number(process.hrtime.bigint() - start) / 1000 / TURNS;
}

function readCore(): unknown {
  return decode(SAMPLE).message;
}

const VIA = `SIP/2.0/UDP ${OWN_VIA.host}:${OWN_VIA.port};branch=${OWN_VIA.branch};rport`;

function relayCore(): unknown {
  const { message } = decode(SAMPLE);
  if (message?.kind !== "request") throw new Error("the sample is no request");
  const touched = [
    message.get(Via)?.branch,
    message.get(From)?.params.get("tag"),
    message.get(CSeqField)?.number,
    message.callId,
    message.get(Authorization)?.params.get("response"),
    message.get(Contact),
  ];
  if (touched.includes(undefined)) throw new Error("the sample lacks something");
  const onward = message.clone();
  onward.set("Max-Forwards", String((message.get(MaxForwards) ?? 1) - 1));
  onward.push("Path", OWN_PATH).push("Via", VIA);
  return encode(onward);
}

/** npm sip reads text; what came from a socket has to become text first. */
function readNpmSip(): sip.SipMessage | undefined {
  return sip.parse(SAMPLE.toString("latin1"));
}

function relayNpmSip(): unknown {
  const message = readNpmSip();
  if (message === undefined) throw new Error("npm sip cannot read the sample");
  const headers = message.headers as Record<string, unknown> & { via?: unknown[] };
  const touched = [
    headers.via?.[0],
    headers["from"],
    headers["cseq"],
    headers["call-id"],
    headers["authorization"],
    headers["contact"],
  ];
  if (touched.includes(undefined)) throw new Error("the sample lacks something");
  headers["max-forwards"] = Number(headers["max-forwards"]) - 1;
  headers["path"] = OWN_PATH;
  const { host, port, branch } = OWN_VIA;
  const params = { branch, rport: null };
  headers.via?.unshift({ version: "2.0", protocol: "UDP", host, port, params });
  return Buffer.from(sip.stringify(message), "latin1");
}
