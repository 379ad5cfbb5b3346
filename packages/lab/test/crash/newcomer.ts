// A device with a password that registers once, and how soon the network answers each of its REGISTERs. RFC 3261 §10.2, RFC 2617.
import { createSocket, type Socket } from "node:dgram";
import type { Clock } from "@ims-lab/common/platform/clock";
import { digestResponse } from "@ims-lab/common/sip/auth/digest";
import type { PromisedRegistration } from "./promises.ts";

export interface NewcomerOptions {
  readonly clock: Clock;
  readonly host: string;
  /** Port of the P-CSCF. */
  readonly access: number;
  readonly domain: string;
}

export interface Attempt {
  /** Of the last answer; undefined: there was none in time. */
  readonly status: number | undefined;
  /** Until the latest of its final answers. */
  readonly milliseconds: number;
  readonly registration: PromisedRegistration;
}

/** Longer than anybody is to be kept waiting. */
const PATIENCE_MS = 10_000;

/** @param n of the users load1, load2, … of the shipped file */
export async function registerOnce(options: NewcomerOptions, n: number): Promise<Attempt> {
  const { clock, domain } = options;
  const callId = `newcomer-${process.pid}-${n}-${clock.now()}`;
  const registration = { impu: `sip:load${n}@${domain}`, callId, cseq: 2 };
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => void socket.bind(0, options.host, resolve));
  const ask = (cseq: number, authorization: string): ReturnType<typeof exchange> =>
    exchange(options, socket, registerOf(options, socket, { n, callId, cseq, authorization }));
  try {
    const first = await ask(1, unanswered(n, domain));
    const nonce = /nonce="([^"]+)"/.exec(first.text)?.[1];
    if (first.status !== 401 || nonce === undefined) return { ...first, registration };
    const second = await ask(2, answered(n, domain, nonce));
    const milliseconds = Math.max(first.milliseconds, second.milliseconds);
    return { status: second.status, milliseconds, registration };
  } finally {
    socket.close();
  }
}

interface Answer {
  readonly status: number | undefined;
  readonly milliseconds: number;
  readonly text: string;
}

/** Sends it again as RFC 3261 §17.1.2.2 has it, without Timer F. */
function exchange(
  { clock, host, access }: NewcomerOptions,
  socket: Socket,
  request: string,
): Promise<Answer> {
  const since = clock.now();
  const send = (): void => socket.send(request, access, host);
  return new Promise((resolve) => {
    let again = clock.after(500, function resend() {
      send();
      again = clock.after(1000, resend);
    });
    const late = clock.after(PATIENCE_MS, () => end(undefined, ""));
    const end = (status: number | undefined, text: string): void => {
      again.cancel();
      late.cancel();
      socket.removeAllListeners("message");
      resolve({ status, milliseconds: clock.now() - since, text });
    };
    const branch = /branch=([^;]+)/.exec(request)?.[1] ?? "";
    socket.on("message", (bytes) => {
      const text = bytes.toString("latin1");
      const status = Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1]);
      if (status >= 200 && text.includes(branch)) end(status, text);
    });
    send();
  });
}

function unanswered(n: number, domain: string): string {
  return `Digest username="load${n}@${domain}", realm="${domain}", nonce="", uri="sip:${domain}", response=""`;
}

function answered(n: number, domain: string, nonce: string): string {
  const uri = `sip:${domain}`;
  const username = `load${n}@${domain}`;
  const qop = { qop: "auth", nc: "00000001", cnonce: "newcomer" } as const;
  const response = digestResponse({
    algorithm: "MD5",
    method: "REGISTER",
    password: Buffer.from(`pw${n}`),
    realm: domain,
    username,
    uri,
    nonce,
    ...qop,
  });
  return `Digest username="${username}", realm="${domain}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=${qop.nc}, cnonce="${qop.cnonce}"`;
}

function registerOf(
  { host, domain }: NewcomerOptions,
  socket: Socket,
  own: {
    readonly n: number;
    readonly callId: string;
    readonly cseq: number;
    readonly authorization: string;
  },
): string {
  const { n, callId, cseq, authorization } = own;
  const { port } = socket.address();
  return [
    `REGISTER sip:${domain} SIP/2.0`,
    `Via: SIP/2.0/UDP ${host}:${port};branch=z9hG4bK-${callId}-${cseq};rport`,
    "Max-Forwards: 70",
    `From: <sip:load${n}@${domain}>;tag=n${n}`,
    `To: <sip:load${n}@${domain}>`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} REGISTER`,
    `Contact: <sip:load${n}@${host}:${port}>`,
    "Expires: 3600",
    "Supported: path",
    `Authorization: ${authorization}`,
    "Content-Length: 0",
    "\r\n",
  ].join("\r\n");
}
