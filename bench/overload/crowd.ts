// Devices that register at a given rate whether they are answered or not; a refused one stays away.
import { createHash } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";
import { DOMAIN, PASSWORD } from "../nodes/users.ts";

const HOST = "127.0.0.1";
/** RFC 3261 §17.1.2.2, Timer E: the next sends after a send, milliseconds. */
const REPEATS = [500, 1000, 2000];
/** A registration that takes longer is of no use to its user. */
const USEFUL_MS = 5000;

export interface Wave {
  readonly offered: number;
  readonly registered: number;
  readonly refused: number;
  readonly repeats: number;
  /** Registered during the wave, each within 5 s, per second: what is done afterwards was not done at that rate. */
  readonly goodput: number;
}

interface Device {
  readonly startedAt: number;
  text: string;
}

export class Crowd {
  readonly #port: number;
  readonly #socket: Socket = createSocket({ type: "udp4", recvBufferSize: 8 * 2 ** 20 });
  readonly #devices = new Map<number, Device>();
  #queues: { readonly user: number; readonly text: string; readonly at: number }[][] = [];
  #next = 1;
  #counts = { registered: 0, refused: 0, repeats: 0 };
  #isOver = false;
  #during = 0;

  constructor(port: number) {
    this.#port = port;
    this.#socket.on("message", (bytes) => this.#take(bytes.toString("latin1")));
  }

  get users(): number {
    return this.#next - 1;
  }

  open(): Promise<void> {
    return new Promise((resolve) => this.#socket.bind(0, HOST, resolve));
  }

  close(): void {
    this.#socket.close();
  }

  /** @param watch called about ten times a second */
  async wave(rate: number, seconds: number, watch: () => void): Promise<Wave> {
    this.#devices.clear();
    this.#queues = REPEATS.map(() => []);
    this.#counts = { registered: 0, refused: 0, repeats: 0 };
    this.#isOver = false;
    this.#during = 0;
    const start = now();
    let offered = 0;
    let watched = start;
    while (now() - start < seconds * 1000) {
      const due = Math.floor(((now() - start) * rate) / 1000);
      for (; offered < due; offered++) this.#begin();
      this.#repeat();
      if (now() - watched > 100) {
        watched = now();
        watch();
      }
      await sleep(1);
    }
    this.#isOver = true;
    // What was begun in time may end in time; nothing new comes.
    for (const end = now() + 1500; now() < end; await sleep(5)) this.#repeat();
    return { offered, ...this.#counts, goodput: this.#during / seconds };
  }

  #begin(): void {
    const user = this.#next++;
    const text = register(user, 1, "", this.#socket.address().port);
    this.#devices.set(user, { startedAt: now(), text });
    this.#send(user, text, 0);
  }

  #send(user: number, text: string, stage: number): void {
    this.#socket.send(Buffer.from(text, "latin1"), this.#port, HOST);
    const wait = REPEATS[stage];
    if (wait !== undefined) this.#queues[stage]?.push({ user, text, at: now() + wait });
  }

  #repeat(): void {
    const time = now();
    for (const [stage, queue] of this.#queues.entries()) {
      let used = 0;
      for (const { user, text, at } of queue) {
        if (at > time) break;
        used++;
        if (this.#devices.get(user)?.text !== text) continue; // answered
        this.#counts.repeats++;
        this.#send(user, text, stage + 1);
      }
      if (used > 0) queue.splice(0, used);
    }
  }

  #succeeded(): void {
    this.#counts.registered++;
    if (!this.#isOver) this.#during++;
  }

  #take(text: string): void {
    const user = Number(/^From: <sip:load(\d+)@/m.exec(text)?.[1]);
    const device = this.#devices.get(user);
    const status = text.slice(8, 11);
    if (device === undefined || status === "100") return;
    if (status === "401" && device.text.includes("CSeq: 1 ")) {
      device.text = register(user, 2, answer(user, text), this.#socket.address().port);
      this.#send(user, device.text, 0);
    } else if (status !== "401") {
      this.#devices.delete(user);
      const inTime = now() - device.startedAt <= USEFUL_MS;
      if (status === "200" && inTime) this.#succeeded();
      else this.#counts.refused++;
    }
  }
}

function register(user: number, cseq: number, authorization: string, port: number): string {
  const name = `sip:load${user}@${DOMAIN}`;
  return `REGISTER sip:${DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP ${HOST}:${port};rport;branch=z9hG4bK${user}-${cseq}\r\nMax-Forwards: 70\r\nFrom: <${name}>;tag=f${user}\r\nTo: <${name}>\r\nCall-ID: overload-${user}@${HOST}\r\nCSeq: ${cseq} REGISTER\r\nContact: <sip:load${user}@${HOST}:${port}>;expires=3600\r\nSupported: path, gruu, outbound\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, NOTIFY\r\n${authorization}User-Agent: a telephone/1.0\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n`;
}

function answer(user: number, challenge: string): string {
  const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? "";
  const name = `load${user}@${DOMAIN}`;
  const ha1 = md5(`${name}:${DOMAIN}:${PASSWORD}`);
  const ha2 = md5(`REGISTER:sip:${DOMAIN}`);
  const response = md5(`${ha1}:${nonce}:00000001:6b8b4567:auth:${ha2}`);
  return `Authorization: Digest username="${name}", realm="${DOMAIN}", nonce="${nonce}", uri="sip:${DOMAIN}", response="${response}", algorithm=MD5, cnonce="6b8b4567", qop=auth, nc=00000001\r\n`;
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

function now(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
