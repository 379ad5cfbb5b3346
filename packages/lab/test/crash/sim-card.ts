// A SIM that only looks at challenges: the sequence number in each AUTN, which must be new whatever was killed. TS 33.102 §6.3.
import { createSocket } from "node:dgram";
import { deriveOpc, Milenage, xor } from "@ims-lab/common/ims/milenage";
import { sqnFromOctets } from "@ims-lab/common/ims/sqn";
import type { Clock } from "@ims-lab/common/platform/clock";

export interface SimCardOptions {
  readonly clock: Clock;
  readonly host: string;
  readonly access: number;
  readonly domain: string;
  readonly impi: string;
  readonly impu: string;
  /** Hexadecimal. */
  readonly k: string;
  readonly op: string;
}

export class SimCard {
  readonly #options: SimCardOptions;
  readonly #milenage: Milenage;
  readonly #used = new Map<number, string>();
  /** What was broken already. */
  readonly broken: string[] = [];
  #sent = 0;

  constructor(options: SimCardOptions) {
    this.#options = options;
    const k = Buffer.from(options.k, "hex");
    this.#milenage = new Milenage(k, deriveOpc(k, Buffer.from(options.op, "hex")));
  }

  /** Distinct sequence numbers that it has seen. */
  get seen(): number {
    return this.#used.size;
  }

  /** One REGISTER; a challenge within `milliseconds` is looked at, silence is none. */
  async ask(milliseconds: number): Promise<void> {
    const nonce = await this.#challenge(milliseconds);
    if (nonce === undefined) return;
    const octets = Buffer.from(nonce, "base64");
    const rand = octets.subarray(0, 16);
    const { ak } = this.#milenage.keys(rand);
    const sqn = sqnFromOctets(xor(octets.subarray(16, 22), ak));
    const before = this.#used.get(sqn);
    if (before !== undefined && before !== nonce)
      this.broken.push(`sequence number ${sqn} was used twice`);
    this.#used.set(sqn, nonce);
  }

  #challenge(milliseconds: number): Promise<string | undefined> {
    const { clock, host, access } = this.#options;
    const socket = createSocket("udp4");
    return new Promise((resolve) => {
      const end = (nonce: string | undefined): void => {
        timer.cancel();
        socket.close();
        resolve(nonce);
      };
      const timer = clock.after(milliseconds, () => end(undefined));
      socket.on("message", (bytes) => {
        const text = bytes.toString("latin1");
        if (!text.startsWith("SIP/2.0 100")) end(/nonce="([^"]+)"/.exec(text)?.[1]);
      });
      socket.bind(0, host, () => socket.send(this.#register(socket.address().port), access, host));
    });
  }

  #register(port: number): string {
    const { domain, impi, impu, host } = this.#options;
    this.#sent += 1;
    const id = `sim-${process.pid}-${this.#sent}`;
    return [
      `REGISTER sip:${domain} SIP/2.0`,
      `Via: SIP/2.0/UDP ${host}:${port};branch=z9hG4bK-${id};rport`,
      "Max-Forwards: 70",
      `From: <${impu}>;tag=${id}`,
      `To: <${impu}>`,
      `Call-ID: ${id}`,
      "CSeq: 1 REGISTER",
      `Contact: <sip:sim@${host}:${port}>`,
      "Expires: 600",
      `Authorization: Digest username="${impi}", realm="${domain}", nonce="", uri="sip:${domain}", response=""`,
      "Content-Length: 0",
      "\r\n",
    ].join("\r\n");
  }
}
