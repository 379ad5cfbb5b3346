// A user who writes his requests in every way there is, another behind a stream, and what goes on between the nodes.
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { expect } from "vitest";
import { READERS, type Reading, readingOf } from "../../../common/test/spellings/readers.ts";
import type { Written } from "../../../common/test/spellings/spellings.ts";
import { ACCESS, CORE, impuOf, Lab, SCSCF } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

const BODY = "hello";

export class TwoUsers {
  readonly lab: Lab;
  /** Over UDP: whatever he writes is one message, and can be answered. */
  readonly carol: ScriptedUe;
  /** Over TCP: who is sent two lengths for one message loses his connection. */
  readonly bob: ScriptedUe;
  #sent = 0;

  private constructor(lab: Lab, carol: ScriptedUe, bob: ScriptedUe) {
    this.lab = lab;
    this.carol = carol;
    this.bob = bob;
  }

  /** Between the nodes it is TCP, too: one connection that all users share. */
  static async start(): Promise<TwoUsers> {
    const { host, port } = SCSCF;
    const lab = await Lab.start({ pcscf: { scscf: `sip:${host}:${port};transport=tcp` } });
    const carol = await ScriptedUe.subscribed(lab, "carol");
    const bob = await ScriptedUe.subscribed(lab, "bob", { transport: "tcp" });
    return new TwoUsers(lab, carol, bob);
  }

  /** A MESSAGE of carol's to bob: a new one each time. */
  message(): Written {
    const n = ++this.#sent;
    const request = this.carol.request("MESSAGE", impuOf("bob"), [
      ["To", `<${impuOf("bob")}>`],
      ["Call-ID", `reading-${n}@192.0.2.1`],
      ["Content-Type", "text/plain"],
      ["Content-Length", String(BODY.length)],
    ]);
    return writtenOf(request, BODY);
  }

  register(): Written {
    const n = ++this.#sent;
    const request = this.carol.peer.request("REGISTER", "sip:ims.example", impuOf("carol"), [
      ["Call-ID", `reading-${n}@192.0.2.1`],
      ["Contact", this.carol.contact],
      ["Expires", "600"],
      ["Content-Length", "0"],
    ]);
    return writtenOf(request, "");
  }

  /**
   * Sends it. What of it goes on, from hop to hop, is the same to each kind of reader, with one Content-Length of the
   * hop's own; connections last.
   * @returns the octets that went on to the S-CSCF, and the status that carol hears
   */
  send(bytes: Buffer): { readonly onward: readonly Buffer[]; readonly status: string | undefined } {
    const { lab, carol } = this;
    lab.network.log.length = 0;
    carol.peer.sendOctets(bytes, ACCESS);
    lab.pass(0.5);
    const passed = lab.network.log.filter(({ from }) => from.host !== carol.peer.at.host);
    const requests = passed.filter(({ bytes: octets }) => octets.length > 4 && !isResponse(octets));
    for (const { bytes: octets } of requests) checkReading(octets, bytes);
    const onward = requests.filter(
      ({ from, to }) => from.host === CORE.host && to.host === SCSCF.host,
    );
    const answers = passed.filter(
      ({ to, bytes: octets }) => to.host === carol.peer.at.host && isResponse(octets),
    );
    const status = answers.at(-1)?.bytes.toString("latin1", 8, 11);
    return { onward: onward.map(({ bytes: octets }) => octets), status };
  }

  /** Whether a message of somebody who means well still arrives. */
  reachesBob(): boolean {
    const { lab, bob, carol } = this;
    const before = bob.peer.requests.length;
    const request = carol.request("MESSAGE", impuOf("bob"), [["Call-ID", `well-${++this.#sent}`]]);
    carol.peer.send(request, ACCESS);
    lab.pass(0.1);
    return bob.peer.requests.length === before + 1 && carol.peer.answerTo(request)?.status === 200;
  }

  /** Connections that have ended, at any node. */
  get ended(): readonly unknown[] {
    const { pcscf, scscf } = this.lab.logs;
    return [pcscf, scscf].flatMap((log) => log.named("transport.rejected"));
  }
}

function writtenOf(request: SipRequest, body: string): Written {
  const headers = request
    .headerText()
    .split("\r\n")
    .filter((line) => line !== "")
    .map((line): [string, string] => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    });
  return { start: request.startLine, headers, body };
}

function isResponse(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 4) === "SIP/";
}

function checkReading(onward: Buffer, sent: Buffer): void {
  const { message } = decode(onward);
  if (message?.kind !== "request") throw new Error(`not to be read: ${onward.toString("latin1")}`);
  if (!sent.includes(Buffer.from(message.callId, "latin1"))) return; // of somebody else
  const tag = (each: SipRequest["to"]): string => each.params.get("tag") ?? "";
  const ours: Reading = {
    method: message.method,
    callId: message.callId,
    fromTag: tag(message.from),
    toTag: tag(message.to),
    cseq: `${message.cseq.number} ${message.cseq.method}`,
    branch: message.get(Via)?.branch ?? "",
    length: String(message.body.length),
  };
  for (const [name, habits] of Object.entries(READERS)) {
    const { cseq, ...read } = readingOf(onward, habits);
    expect([name, { ...read, cseq: withoutZeros(cseq) }]).toEqual([name, ours]);
  }
  const text = onward.toString("latin1", 0, onward.indexOf("\r\n\r\n") + 2);
  expect(text.match(/^Content-Length: \d+\r$/gm)).toEqual([
    `Content-Length: ${message.body.length}\r`,
  ]);
  expect(onward.length).toBe(onward.indexOf("\r\n\r\n") + 4 + message.body.length);
  expect(encode(message).equals(onward)).toBe(true);
}

function withoutZeros(cseq: string): string {
  return cseq.replace(/^0+(?=\d)/, "");
}
