// The little of SDP that a silent audio call needs: offer, answer, hold. RFC 4566, RFC 3264.
import type { HostPort } from "@ims-lab/common/sip/transport/transport";

export const SDP_TYPE = "application/sdp";

export type Direction = "sendrecv" | "sendonly" | "recvonly" | "inactive";

/** What the peer's description says of its first audio stream. */
export interface Described {
  /** Every `m=` line, in order: an answer has as many (RFC 3264 §6). */
  readonly media: readonly string[];
  /** Which of them is ours, and the payload type both have. */
  readonly audio: number;
  readonly payload: string;
  readonly direction: Direction;
}

/** PCMU and PCMA: static payload types that everybody has (RFC 3551 §6). */
const PAYLOADS = ["0", "8"] as const;
const NAMES = { "0": "PCMU/8000", "8": "PCMA/8000" } as const;
const DIRECTION = /^a=(sendrecv|sendonly|recvonly|inactive)$/;

/** Undefined: no audio that we can take, which is a 488. */
export function readSdp(body: Buffer): Described | undefined {
  const lines = body.toString("latin1").split(/\r?\n/);
  const media = lines.filter((line) => line.startsWith("m="));
  const audio = media.findIndex((line) => commonPayload(line) !== undefined);
  const payload = commonPayload(media[audio] ?? "");
  if (payload === undefined) return undefined;
  return { media, audio, payload, direction: directionOf(lines, media[audio] ?? "") };
}

function commonPayload(line: string): (typeof PAYLOADS)[number] | undefined {
  const [, port = "0", formats = ""] = /^m=audio (\d+)\S* RTP\/\S+ (.*)$/.exec(line) ?? [];
  if (port === "0") return undefined;
  const offered = formats.split(" ");
  return PAYLOADS.find((payload) => offered.includes(payload));
}

/** Of the stream itself, else of the session. */
function directionOf(lines: readonly string[], media: string): Direction {
  const at = lines.indexOf(media);
  const next = lines.findIndex((line, index) => index > at && line.startsWith("m="));
  const own = lines.slice(at + 1, next < 0 ? undefined : next);
  const session = lines.slice(
    0,
    Math.max(
      lines.findIndex((line) => line.startsWith("m=")),
      0,
    ),
  );
  const found = [...own, ...session].find((line) => DIRECTION.test(line));
  return (found?.slice(2) ?? "sendrecv") as Direction;
}

const MIRRORED: Readonly<Record<Direction, Direction>> = {
  sendrecv: "sendrecv",
  sendonly: "recvonly",
  recvonly: "sendonly",
  inactive: "inactive",
};

/** True when the peer will not listen (RFC 3264 §8.4). */
export function isHold({ direction }: Described): boolean {
  return direction === "sendonly" || direction === "inactive";
}

/** @param version rises with every new description of the session */
export function offerSdp(at: HostPort, version: number, direction: Direction): Buffer {
  const lines = [
    ...head(at, version),
    `m=audio ${at.port} RTP/AVP ${PAYLOADS.join(" ")}`,
    ...PAYLOADS.map((payload) => `a=rtpmap:${payload} ${NAMES[payload]}`),
    `a=${direction}`,
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n`);
}

/** One `m=` line for each of the offer's; those we do not take have port 0. */
export function answerSdp(at: HostPort, version: number, offer: Described): Buffer {
  const lines = head(at, version);
  for (const [index, line] of offer.media.entries()) {
    if (index !== offer.audio) {
      lines.push(line.replace(/^(m=\S+) \S+/, "$1 0"));
      continue;
    }
    lines.push(`m=audio ${at.port} RTP/AVP ${offer.payload}`);
    lines.push(`a=${MIRRORED[offer.direction]}`);
  }
  return Buffer.from(`${lines.join("\r\n")}\r\n`);
}

function head({ host, port }: HostPort, version: number): string[] {
  const address = `IN ${host.includes(":") ? "IP6" : "IP4"} ${host}`;
  return ["v=0", `o=- ${port} ${version} ${address}`, "s=-", `c=${address}`, "t=0 0"];
}
