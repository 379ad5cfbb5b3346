// SDP of an audio call without media of its own: offer, answer, hold. RFC 4566, RFC 3264.
import type { HostPort } from "@ims-lab/common/sip/transport/transport";

export type Direction = "sendrecv" | "sendonly" | "recvonly" | "inactive";

/** The peer's description of its first audio stream. */
export interface SessionDescription {
  /** Every `m=` line, in order: an answer has as many (RFC 3264 §6). */
  readonly media: readonly string[];
  /** Which of them is ours, and the payload type both have. */
  readonly audio: number;
  readonly payload: string;
  readonly direction: Direction;
  /** Address of its `c=` line. */
  readonly connection: string | undefined;
}

/** The `o=` line of a description: the same session, another version each time. */
export interface Origin {
  readonly at: HostPort;
  readonly session: number;
  /** Rises with every new description of the session. */
  readonly version: number;
}

/** PCMU and PCMA: static payload types that everybody has (RFC 3551 §6). */
const PAYLOADS = ["0", "8"] as const;
const NAMES = { "0": "PCMU/8000", "8": "PCMA/8000" } as const;
const DIRECTION = /^a=(sendrecv|sendonly|recvonly|inactive)$/;

/** Linear in its line: neighbouring repetitions share no character. */
const AUDIO = /^m=audio (\d{1,5})(?:\/\d{1,5})? RTP\/AVP (.*)$/;

/** Undefined: no audio that we can take, which is a 488. */
export function readSdp(body: Buffer): SessionDescription | undefined {
  const lines = body.toString("latin1").split(/\r?\n/);
  const media = lines.filter((line) => line.startsWith("m="));
  const audio = media.findIndex((line) => commonPayload(line) !== undefined);
  const payload = commonPayload(media[audio] ?? "");
  if (payload === undefined) return undefined;
  const about = linesAbout(lines, media[audio] ?? "");
  return { media, audio, payload, direction: directionOf(about), connection: connectionOf(about) };
}

/** RFC 3261 §20.43: the Warning of a 488; undefined for a description that `readSdp` takes. */
export function rejectionWarning(
  body: Buffer,
): { readonly code: number; readonly text: string } | undefined {
  if (readSdp(body) !== undefined) return undefined;
  const lines = body.toString("latin1").split(/\r?\n/);
  if (lines[0] !== "v=0") return { code: 399, text: "No session description" };
  const audio = lines.filter((line) => line.startsWith("m=audio ") && !/^m=audio 0\b/.test(line));
  if (audio.length === 0) return { code: 304, text: "Media type not available: audio only" };
  if (!audio.some((line) => line.includes(" RTP/AVP ")))
    return { code: 302, text: "Incompatible transport protocol: RTP/AVP only" };
  return { code: 305, text: "Incompatible media format: PCMU and PCMA only" };
}

function commonPayload(line: string): (typeof PAYLOADS)[number] | undefined {
  // RFC 3264 §6: the answer has the offer's transport, and RTP/AVP is what we speak.
  const [, port = "0", formats = ""] = AUDIO.exec(line) ?? [];
  if (port === "0") return undefined;
  const offered = formats.split(" ");
  return PAYLOADS.find((payload) => offered.includes(payload));
}

/** Of the stream itself, then of the session. */
function linesAbout(lines: readonly string[], media: string): readonly string[] {
  const at = lines.indexOf(media);
  const next = lines.findIndex((line, index) => index > at && line.startsWith("m="));
  const first = lines.findIndex((line) => line.startsWith("m="));
  return [
    ...lines.slice(at + 1, next < 0 ? undefined : next),
    ...lines.slice(0, Math.max(first, 0)),
  ];
}

function directionOf(lines: readonly string[]): Direction {
  const found = lines.find((line) => DIRECTION.test(line));
  return (found?.slice(2) ?? "sendrecv") as Direction;
}

function connectionOf(lines: readonly string[]): string | undefined {
  return lines.find((line) => line.startsWith("c="))?.split(" ")[2];
}

const MIRRORED: Readonly<Record<Direction, Direction>> = {
  sendrecv: "sendrecv",
  sendonly: "recvonly",
  recvonly: "sendonly",
  inactive: "inactive",
};

/** The direction of a side that holds the call: it does not listen. */
const NOT_LISTENING: Readonly<Record<Direction, Direction>> = {
  sendrecv: "sendonly",
  sendonly: "sendonly",
  recvonly: "inactive",
  inactive: "inactive",
};

/** True when the peer will not listen (RFC 3264 §8.4; 0.0.0.0 as RFC 2543 had it). */
export function isHold({ direction, connection }: SessionDescription): boolean {
  return direction === "sendonly" || direction === "inactive" || connection === "0.0.0.0";
}

/** @param before the offer we answered last: later ones have its m-lines, too, in its order (RFC 3264 §8) */
export function offerSdp(
  origin: Origin,
  direction: Direction,
  before?: SessionDescription,
): Buffer {
  const audio = [
    `m=audio ${origin.at.port} RTP/AVP ${PAYLOADS.join(" ")}`,
    ...PAYLOADS.map((payload) => `a=rtpmap:${payload} ${NAMES[payload]}`),
    `a=${direction}`,
  ];
  return described(origin, before === undefined ? audio : beside(before, audio));
}

/**
 * One `m=` line for each of the offer's; those we do not take have port 0.
 * @param isHeld on hold here: whatever the peer offers, we do not listen
 */
export function answerSdp(origin: Origin, offer: SessionDescription, isHeld: boolean): Buffer {
  const mirrored = MIRRORED[offer.direction];
  const audio = [
    `m=audio ${origin.at.port} RTP/AVP ${offer.payload}`,
    `a=${isHeld ? NOT_LISTENING[mirrored] : mirrored}`,
  ];
  return described(origin, beside(offer, audio));
}

/** Our stream in its place; the others are switched off. */
function beside(
  { media, audio: ours }: SessionDescription,
  audio: readonly string[],
): readonly string[] {
  return media.flatMap((line, index) =>
    index === ours ? audio : line.replace(/^(m=\S+) \S+/, "$1 0"),
  );
}

function described({ at: { host }, session, version }: Origin, media: readonly string[]): Buffer {
  const address = `IN ${host.includes(":") ? "IP6" : "IP4"} ${host}`;
  const head = ["v=0", `o=- ${session} ${version} ${address}`, "s=-", `c=${address}`, "t=0 0"];
  return Buffer.from(`${[...head, ...media].join("\r\n")}\r\n`);
}
