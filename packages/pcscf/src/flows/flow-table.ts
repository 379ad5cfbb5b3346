// The bindings behind this edge and the flows that reach them. TS 24.229 §5.2.2.1, RFC 5626 §5.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import type { Binding } from "./binding.ts";

/** Why a binding is one no longer. */
export type GoneCause = "de-registered" | "expired" | "core";

/** An entry leaves in two steps: `active` ends with the registration, the context 64*T1 later. */
interface Entry {
  binding: Binding;
  active: boolean;
  timer: Timer;
}

export interface FlowTableOptions {
  readonly clock: Clock;
  /** How long context is kept for what is under way (64*T1). */
  readonly lingerMs: number;
  /** A binding that was active is so no more; its context is still there. */
  onGone(binding: Binding, cause: GoneCause): void;
  /** Nothing of it is left. */
  onForgotten(binding: Binding): void;
}

/** Several bindings per key; most keys have one, which then costs no Set. */
class Index {
  readonly #tokens = new Map<string, string | Set<string>>();

  add(key: string, token: string): void {
    const found = this.#tokens.get(key);
    if (found === undefined) this.#tokens.set(key, token);
    else if (typeof found === "string") this.#tokens.set(key, new Set([found, token]));
    else found.add(token);
  }

  remove(key: string, token: string): void {
    const found = this.#tokens.get(key);
    if (found instanceof Set) {
      found.delete(token);
      if (found.size === 0) this.#tokens.delete(key);
    } else if (found === token) this.#tokens.delete(key);
  }

  get(key: string): Iterable<string> {
    const found = this.#tokens.get(key);
    if (found === undefined) return [];
    return typeof found === "string" ? [found] : found;
  }

  count(key: string): number {
    const found = this.#tokens.get(key);
    return found instanceof Set ? found.size : Number(found !== undefined);
  }
}

export class FlowTable {
  readonly #options: FlowTableOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #byFlow = new Index();
  readonly #byImpu = new Index();
  readonly #byDevice = new Index();
  #active = 0;

  constructor(options: FlowTableOptions) {
    this.#options = options;
  }

  /** Registered bindings. */
  get size(): number {
    return this.#active;
  }

  /** Also finds one that has just gone, for what is still under way. */
  find(token: string): Binding | undefined {
    return this.#entries.get(token)?.binding;
  }

  /** Only while it is registered. */
  registered(token: string): Binding | undefined {
    const entry = this.#entries.get(token);
    return entry?.active ? entry.binding : undefined;
  }

  *all(): Generator<Binding> {
    for (const { active, binding } of this.#entries.values()) if (active) yield binding;
  }

  ofDevice(impi: string, device: string): Binding | undefined {
    return this.#every(this.#byDevice, deviceKey(impi, device))[0];
  }

  onFlow(flow: Flow): readonly Binding[] {
    return this.#every(this.#byFlow, flow.id);
  }

  /** How many share a flow, without listing them. */
  countOnFlow(flow: Flow): number {
    return this.#byFlow.count(flow.id);
  }

  /** @param aor canonical, see `aorOf` */
  ofImpu(aor: string): readonly Binding[] {
    return this.#every(this.#byImpu, aor);
  }

  /** @param impu as P-Associated-URI writes it */
  ofImpuText(impu: string): readonly Binding[] {
    const uri = parseUri(impu);
    return uri === undefined ? [] : this.ofImpu(aorOf(uri));
  }

  /** Adds or replaces; the binding ends by itself at `expiresAt`. */
  bind(binding: Binding): void {
    const { token } = binding;
    const before = this.#entries.get(token);
    if (before !== undefined) this.#remove(before);
    const timer = this.#options.clock.at(binding.expiresAt, () => this.end(token, "expired"));
    this.#entries.set(token, { binding, active: true, timer });
    this.#active++;
    this.#byFlow.add(binding.flow.id, token);
    this.#byDevice.add(deviceKey(binding.impi, binding.device), token);
    for (const aor of aorsOf(binding)) this.#byImpu.add(aor, token);
  }

  /** From now on the user is a stranger; the context follows 64*T1 later. */
  end(token: string, cause: GoneCause): void {
    const entry = this.#entries.get(token);
    if (!entry?.active) return;
    entry.timer.cancel();
    entry.active = false;
    this.#active--;
    entry.timer = this.#options.clock.after(this.#options.lingerMs, () => this.#forget(token));
    this.#options.onGone(entry.binding, cause);
  }

  /** Puts the end of a binding earlier or later (the S-CSCF's word, RFC 3680 `shortened`). */
  expireAt(token: string, expiresAt: number): void {
    const entry = this.#entries.get(token);
    if (!entry?.active) return;
    entry.timer.cancel();
    entry.binding = { ...entry.binding, expiresAt };
    entry.timer = this.#options.clock.at(expiresAt, () => this.end(token, "expired"));
  }

  /** RFC 5626 §5.3: nothing reaches these UEs until they register over another flow. */
  flowClosed(flow: Flow): readonly Binding[] {
    const lost: Binding[] = [];
    for (const token of this.#byFlow.get(flow.id)) {
      const entry = this.#entries.get(token);
      if (entry === undefined) continue;
      entry.binding = { ...entry.binding, flowLost: true };
      if (entry.active) lost.push(entry.binding);
    }
    return lost;
  }

  close(): void {
    for (const { timer } of this.#entries.values()) timer.cancel();
  }

  #forget(token: string): void {
    const entry = this.#entries.get(token);
    if (entry === undefined || entry.active) return;
    this.#remove(entry);
    this.#options.onForgotten(entry.binding);
  }

  #remove({ binding, active, timer }: Entry): void {
    const { token } = binding;
    timer.cancel();
    if (active) this.#active--;
    this.#entries.delete(token);
    this.#byFlow.remove(binding.flow.id, token);
    this.#byDevice.remove(deviceKey(binding.impi, binding.device), token);
    for (const aor of aorsOf(binding)) this.#byImpu.remove(aor, token);
  }

  #every(index: Index, key: string): readonly Binding[] {
    const found: Binding[] = [];
    for (const token of index.get(key)) {
      const entry = this.#entries.get(token);
      if (entry?.active) found.push(entry.binding);
    }
    return found;
  }
}

function deviceKey(impi: string, device: string): string {
  return `${impi} ${device}`;
}

/** A set, since two spellings of one identity must be removed once. */
function aorsOf(binding: Binding): ReadonlySet<string> {
  const aors = new Set<string>();
  for (const impu of binding.impus) {
    const uri = parseUri(impu);
    if (uri !== undefined) aors.add(aorOf(uri));
  }
  return aors;
}
