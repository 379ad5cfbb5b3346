// The bindings behind this edge and the flows that reach them. TS 24.229 §5.2.2.1, RFC 5626 §5.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { Deadlines } from "@ims-lab/common/platform/deadlines";
import { Groups } from "@ims-lab/common/platform/groups";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import { aorOfText, type Binding, type BoundContact, contactsOf, withContacts } from "./binding.ts";
import { unpackBinding } from "./packed-binding.ts";

/** Why a binding is one no longer. */
export type GoneCause = "de-registered" | "moved" | "expired" | "core";

/** An entry leaves in two steps: `active` ends with the registration, the context 64*T1 later. */
class Entry {
  readonly #token: string;
  /** Its identities as `aorOf` files them, each once. */
  readonly aors: readonly string[];
  active = true;
  /** When the first of its Contacts ends, milliseconds since the epoch. */
  end: number;
  /** Of the context, when the registration has ended. */
  timer: Timer | undefined;
  /** The text after a restart, until somebody asks for the binding. */
  #binding: Binding | string;

  constructor(binding: Binding, text: string | undefined) {
    this.#token = binding.token;
    this.#binding = text ?? binding;
    this.aors = aorsOf(binding);
    this.end = firstEndOf(binding);
  }

  get binding(): Binding {
    if (typeof this.#binding === "string")
      this.#binding = unpackBinding(this.#binding, this.#token);
    return this.#binding;
  }

  set binding(binding: Binding) {
    this.#binding = binding;
    this.end = firstEndOf(binding);
  }
}

export interface FlowTableOptions {
  readonly clock: Clock;
  /** How long context is kept for what is under way (64*T1). */
  readonly lingerMs: number;
  /** One Contact of several has gone; the binding is what is left. */
  onContactGone(binding: Binding, contact: string, cause: GoneCause): void;
  /** A binding that was active is so no more; its context is still there. */
  onGone(binding: Binding, cause: GoneCause): void;
  /** Nothing of it will be left. */
  onForgotten(binding: Binding): void;
  /** What must outlive the process has changed; undefined: it is registered no more. */
  onChanged?: ((token: string, binding: Binding | undefined) => void) | undefined;
}

export class FlowTable {
  readonly #options: FlowTableOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #byFlow = new Groups<string, string>();
  readonly #byImpu = new Groups<string, string>();
  readonly #byImpi = new Groups<string, string>();
  readonly #deadlines: Deadlines<string>;
  #active = 0;
  #contacts = 0;

  constructor(options: FlowTableOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines({
      clock: options.clock,
      count: () => this.#active,
      dueOf: (token) => {
        const entry = this.#entries.get(token);
        return entry?.active ? entry.end : undefined;
      },
      onDue: (token) => this.#expire(token),
    });
  }

  /** Registered bindings. */
  get size(): number {
    return this.#active;
  }

  /** Contacts of the registered bindings. */
  get contacts(): number {
    return this.#contacts;
  }

  /** Also finds one that has just gone, for what is still under way. */
  find(token: string): Binding | undefined {
    return this.#entries.get(token)?.binding;
  }

  isRegistered(token: string): boolean {
    return this.#entries.get(token)?.active === true;
  }

  /** Only while it is registered. */
  registered(token: string): Binding | undefined {
    const entry = this.#entries.get(token);
    return entry?.active ? entry.binding : undefined;
  }

  /** Those of registered bindings, as they are now. */
  tokens(): readonly string[] {
    const tokens: string[] = [];
    for (const [token, { active }] of this.#entries) if (active) tokens.push(token);
    return tokens;
  }

  *all(): Generator<Binding> {
    for (const { active, binding } of this.#entries.values()) if (active) yield binding;
  }

  ofImpi(impi: string): readonly Binding[] {
    return this.#every(this.#byImpi, impi);
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
    const aor = aorOfText(impu);
    return aor === undefined ? NONE : this.ofImpu(aor);
  }

  /** Adds or replaces; each of its Contacts ends by itself at `expiresAt`. */
  bind(binding: Binding): void {
    this.restore(binding);
    this.#options.onChanged?.(binding.token, binding);
  }

  /** The same for one that is durable. @param text its row, where that says the same */
  restore(binding: Binding, text?: string): void {
    const { token } = binding;
    const before = this.#entries.get(token);
    if (before?.active && isFiledAs(before.binding, binding)) {
      this.#replace(before, binding); // a refresh, as most are
      return;
    }
    if (before !== undefined) this.#remove(before);
    const entry = new Entry(binding, text);
    this.#entries.set(token, entry);
    this.#deadlines.add(token, entry.end);
    this.#count(binding, 1);
    this.#byFlow.add(binding.flow.id, token);
    this.#byImpi.add(binding.impi, token);
    for (const aor of entry.aors) this.#byImpu.add(aor, token);
  }

  /** From now on the user is a stranger; the context follows 64*T1 later. */
  end(token: string, cause: GoneCause): void {
    const entry = this.#entries.get(token);
    if (!entry?.active) return;
    entry.active = false;
    this.#count(entry.binding, -1);
    this.#deadlines.gone();
    entry.timer = this.#options.clock.after(this.#options.lingerMs, () => this.#forget(token));
    this.#options.onChanged?.(token, undefined);
    this.#options.onGone(entry.binding, cause);
  }

  /** One Contact is bound no more; with the last of them the binding ends. */
  endContact(token: string, { contact }: BoundContact, cause: GoneCause): void {
    const entry = this.#entries.get(token);
    if (!entry?.active) return;
    const contacts = contactsOf(entry.binding);
    const left = contacts.filter((one) => one.contact !== contact);
    if (left.length === contacts.length) return;
    const binding = withContacts(entry.binding, left);
    if (binding === undefined) this.end(token, cause);
    else {
      this.#replace(entry, binding);
      this.#options.onChanged?.(token, binding);
      this.#options.onContactGone(binding, contact, cause);
    }
  }

  /** Puts the end of a Contact earlier or later (the S-CSCF's word, RFC 3680 `shortened`). */
  expireAt(token: string, { contact }: BoundContact, expiresAt: number): void {
    const entry = this.#entries.get(token);
    if (!entry?.active) return;
    const moved = contactsOf(entry.binding).map((one) =>
      one.contact === contact ? { ...one, expiresAt } : one,
    );
    const binding = withContacts(entry.binding, moved) ?? entry.binding;
    this.#replace(entry, binding);
    this.#options.onChanged?.(token, binding);
  }

  /** Another node of its cluster has answered for it. */
  servedBy(token: string, scscf: string): void {
    const entry = this.#entries.get(token);
    if (!entry?.active || entry.binding.scscf === scscf) return;
    entry.binding = { ...entry.binding, scscf };
    this.#options.onChanged?.(token, entry.binding);
  }

  /** RFC 5626 §5.3: nothing reaches these UEs until they register over another flow. */
  flowClosed(flow: Flow): readonly Binding[] {
    const lost: Binding[] = [];
    for (const token of this.#byFlow.of(flow.id)) {
      const entry = this.#entries.get(token);
      if (entry === undefined) continue;
      entry.binding = { ...entry.binding, flowLost: true };
      if (entry.active) lost.push(entry.binding);
    }
    return lost;
  }

  close(): void {
    this.#deadlines.close();
    for (const { timer } of this.#entries.values()) timer?.cancel();
  }

  /** The same flow and user: nothing that it is found by has changed. */
  #replace(entry: Entry, binding: Binding): void {
    const { end } = entry;
    this.#count(entry.binding, -1);
    this.#count(binding, 1);
    entry.binding = binding;
    // One that has moved away is looked at when its former time comes.
    if (entry.end < end) this.#deadlines.add(entry.binding.token, entry.end);
  }

  #count({ others }: Binding, sign: 1 | -1): void {
    this.#active += sign;
    this.#contacts += sign * (1 + (others?.length ?? 0));
  }

  #expire(token: string): void {
    const entry = this.#entries.get(token);
    if (!entry?.active) return;
    const now = this.#options.clock.now();
    for (const one of contactsOf(entry.binding))
      if (one.expiresAt <= now) this.endContact(token, one, "expired");
    if (entry.active) this.#deadlines.add(token, entry.end);
  }

  #forget(token: string): void {
    const entry = this.#entries.get(token);
    if (entry === undefined || entry.active) return;
    this.#options.onForgotten(entry.binding);
    this.#remove(entry);
  }

  #remove({ binding, aors, active, timer }: Entry): void {
    const { token } = binding;
    timer?.cancel();
    this.#entries.delete(token);
    if (active) {
      this.#count(binding, -1);
      this.#deadlines.gone();
    }
    this.#byFlow.remove(binding.flow.id, token);
    this.#byImpi.remove(binding.impi, token);
    for (const aor of aors) this.#byImpu.remove(aor, token);
  }

  #every(index: Groups<string, string>, key: string): readonly Binding[] {
    const tokens = index.of(key);
    if (tokens.length === 0) return NONE;
    const found: Binding[] = [];
    for (const token of tokens) {
      const entry = this.#entries.get(token);
      if (entry?.active) found.push(entry.binding);
    }
    return found;
  }
}

const NONE: readonly Binding[] = [];

function firstEndOf({ expiresAt, others }: Binding): number {
  let first = expiresAt;
  if (others !== undefined) for (const one of others) first = Math.min(first, one.expiresAt);
  return first;
}

/** Two spellings of one identity are one. */
function aorsOf({ impus }: Binding): readonly string[] {
  const aors = impus.map(aorOfText);
  if (areDifferent(aors)) return aors; // as mostly
  return [...new Set(aors.filter((aor) => aor !== undefined))];
}

function areDifferent(aors: readonly (string | undefined)[]): aors is readonly string[] {
  return aors.every((aor, at) => aor !== undefined && aors.indexOf(aor) === at);
}

/** Whether both are found by the same flow, user and identities. */
function isFiledAs(before: Binding, { flow, impi, impus }: Binding): boolean {
  if (before.flow.id !== flow.id || before.impi !== impi) return false;
  return (
    before.impus.length === impus.length && before.impus.every((impu, at) => impu === impus[at])
  );
}
