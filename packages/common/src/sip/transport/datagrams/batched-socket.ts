// A UDP socket over IPv4 that takes and sends several datagrams per system call: recvmmsg(2), sendmmsg(2).
import { type Clock, nextTurn, type Timer } from "../../../platform/clock.ts";
import { failureOf } from "../failures.ts";
import { failLater, type HostPort, type SendFailure } from "../transport.ts";
import type { DatagramSocket, DatagramSocketOptions, OnDatagram } from "./datagram-socket.ts";
import { addressBuffer, MessageSlots, portIn, writeAddress } from "./message-slots.ts";
import { type SystemCalls, systemError } from "./system-calls.ts";

type OnFailure = ((why: SendFailure) => void) | undefined;

const AF_INET = 2;
/** SOCK_DGRAM, SOCK_NONBLOCK, SOCK_CLOEXEC */
const TYPE = 2 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const MSG_DONTWAIT = 0x40;

/** More come with the next turn of the event loop. */
const TAKEN_AT_ONCE = 16;
const SENT_AT_ONCE = 32;
const LARGEST = 65_536;
/** The kernel's buffer empties within a millisecond on any network that works. */
const RETRY_MS = 1;
/** Then datagrams are lost, as they may be. */
const MOST_WAITING = 4096;

const NOW = Promise.resolve();

export interface BatchedSocketOptions extends DatagramSocketOptions {
  readonly clock: Clock;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly to: HostPort;
  readonly onFailure: OnFailure;
}

export class BatchedSocket implements DatagramSocket {
  readonly #calls: SystemCalls;
  readonly #options: BatchedSocketOptions;
  readonly #in: MessageSlots;
  readonly #out: MessageSlots;
  #fd = -1;
  #watch: { close(): void } | undefined;
  #onDatagram: OnDatagram = () => undefined;
  #isTaking = false;
  /** Of `#out`: datagrams, their octets, those that have left, and who wants to know of each. */
  #count = 0;
  #used = 0;
  #sent = 0;
  readonly #onFailure: OnFailure[] = new Array<undefined>(SENT_AT_ONCE).fill(undefined);
  #isPlanned = false;
  /** Undefined: the kernel takes what is sent. */
  #retry: Timer | undefined;
  #waiting: Waiting[] = [];

  constructor(calls: SystemCalls, options: BatchedSocketOptions) {
    this.#calls = calls;
    this.#options = options;
    this.#in = new MessageSlots(TAKEN_AT_ONCE, TAKEN_AT_ONCE * LARGEST, calls.addressOf);
    this.#out = new MessageSlots(SENT_AT_ONCE, 4 * LARGEST, calls.addressOf);
    for (let slot = 0; slot < TAKEN_AT_ONCE; slot++) this.#in.place(slot, slot * LARGEST, LARGEST);
  }

  async bind(at: HostPort, onDatagram: OnDatagram): Promise<HostPort> {
    const calls = this.#calls;
    const fd = calls.socket(AF_INET, TYPE, 0);
    if (fd < 0) throw systemError(calls.errno(), "socket", at);
    const size = Buffer.alloc(4);
    size.writeInt32LE(this.#options.bufferBytes);
    // The kernel gives what it may.
    for (const name of [SO_RCVBUF, SO_SNDBUF]) calls.setOption(fd, SOL_SOCKET, name, size, 4);
    const address = addressBuffer();
    writeAddress(address, 0, at);
    if (calls.bind(fd, address, address.length) !== 0) {
      const error = systemError(calls.errno(), "bind", at);
      calls.close(fd);
      throw error;
    }
    size.writeInt32LE(address.length);
    calls.localAddress(fd, address, size);
    this.#fd = fd;
    this.#onDatagram = onDatagram;
    this.#watch = calls.watch(fd, () => this.#takeLater());
    return { host: at.host, port: portIn(address) };
  }

  send(bytes: Buffer, to: HostPort, onFailure?: (why: SendFailure) => void): void {
    if (this.#fd < 0) failLater("closed", onFailure);
    else if (this.#retry === undefined) this.#add(bytes, to, onFailure);
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push({ bytes, to, onFailure });
    else failLater("overloaded", onFailure);
  }

  close(): Promise<void> {
    if (this.#fd < 0) return Promise.resolve();
    this.#flush();
    this.#watch?.close();
    this.#retry?.cancel();
    this.#calls.close(this.#fd);
    this.#fd = -1;
    for (const { onFailure } of this.#waiting.splice(0)) failLater("closed", onFailure);
    return Promise.resolve();
  }

  /** In a turn of its own: the watch calls outside of them, where nobody sees to what follows. */
  #takeLater(): void {
    if (this.#isTaking) return;
    this.#isTaking = true;
    nextTurn(this.#take);
  }

  readonly #take = (): void => {
    this.#isTaking = false;
    if (this.#fd < 0) return;
    const { headers, octets } = this.#in;
    const count = this.#calls.receive(this.#fd, headers, TAKEN_AT_ONCE, MSG_DONTWAIT, null);
    this.#isPlanned = true; // below
    for (let slot = 0; slot < count; slot++) {
      const start = slot * LARGEST;
      const length = this.#in.lengthOf(slot);
      const bytes = Buffer.allocUnsafe(length);
      octets.copy(bytes, 0, start, start + length);
      this.#onDatagram(bytes, this.#in.hostOf(slot), this.#in.portOf(slot));
    }
    this.#flushAsPlanned();
  };

  #add(bytes: Buffer, to: HostPort, onFailure: OnFailure): void {
    const out = this.#out;
    if (this.#count === SENT_AT_ONCE || this.#used + bytes.length > out.octets.length) {
      this.#flush();
      if (this.#retry !== undefined) {
        this.#waiting.push({ bytes, to, onFailure });
        return;
      }
    }
    const slot = this.#count;
    if (!out.address(slot, to)) {
      failLater("refused", onFailure);
      return;
    }
    bytes.copy(out.octets, this.#used);
    out.place(slot, this.#used, bytes.length);
    this.#onFailure[slot] = onFailure;
    this.#count += 1;
    this.#used += bytes.length;
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    // What is sent until the running code has ended leaves together; a tenth of what `nextTick` costs.
    void NOW.then(this.#flushAsPlanned);
  }

  readonly #flushAsPlanned = (): void => {
    this.#isPlanned = false;
    if (this.#retry === undefined) this.#flush();
  };

  /** What was gathered leaves; what the kernel refuses fails by itself; when it is full, the rest waits. */
  #flush(): void {
    const { errno, send } = this.#calls;
    while (this.#sent < this.#count) {
      const left = this.#count - this.#sent;
      const sent = send(this.#fd, this.#out.headersFrom(this.#sent), left, MSG_DONTWAIT);
      if (sent > 0) {
        this.#sent += sent;
        continue;
      }
      const error = systemError(errno(), "sendmmsg");
      if (error.code === "EAGAIN") {
        this.#retry = this.#options.clock.after(RETRY_MS, () => this.#goOn());
        return;
      }
      failLater(failureOf(error), this.#onFailure[this.#sent]);
      this.#sent += 1;
    }
    this.#count = 0;
    this.#used = 0;
    this.#sent = 0;
  }

  #goOn(): void {
    this.#retry = undefined;
    this.#flush();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { bytes, to, onFailure } of waiting) this.send(bytes, to, onFailure);
  }
}
