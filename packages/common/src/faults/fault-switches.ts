// The switches of a node's faults: which are on, for whom, how often still. docs/faults.md.
import type {
  ActiveFaultView,
  FaultCatalogue,
  FaultRequest,
  FaultValues,
  FaultView,
} from "../admin-api/faults.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import { logRateLimit } from "../platform/log-rate-limit.ts";
import type { Logger } from "../platform/logger.ts";
import {
  type FaultOrder,
  type FaultProblem,
  faultOrders,
  faultsNamed,
  isFaultProblem,
} from "./fault-order.ts";

export interface FaultSwitchesOptions<Name extends string> {
  readonly catalogue: FaultCatalogue<Name>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whom this identity names, as `take` is asked about him; undefined: nobody here. */
  subjectOf(impu: string): string | undefined;
  /** Why he (undefined: everybody) cannot have this fault; undefined: he can. */
  unsuitable?(name: Name, subject: string | undefined): string | undefined;
  /** Does a deed to him, or to everybody. */
  perform?(name: Name, subject: string | undefined): void;
}

/** A fault that is on for somebody. */
interface Activation<Name extends string> {
  readonly name: Name;
  readonly impu: string | undefined;
  readonly subject: string | undefined;
  readonly since: number;
  readonly values: FaultValues;
  remaining: number | undefined;
  acted: number;
  /** Messages that it has met: repeated, they meet it again and are not counted. */
  readonly met: Set<string>;
  timer?: Timer;
}

/** Messages that one activation knows again. */
const MOST_MET = 256;
/** 64*T1 (RFC 3261 §17.1.2.2): so long may a message be repeated. */
const REPEATED_MS = 32_000;
const SAY_AGAIN_MS = 1_000;

export class FaultSwitches<Name extends string> {
  readonly #options: FaultSwitchesOptions<Name>;
  readonly #active: Activation<Name>[] = [];
  /** Those that have acted often enough, while a message that they have met may come again. */
  readonly #spent: Activation<Name>[] = [];
  readonly #listeners: (() => void)[] = [];
  readonly #mayLog: ReturnType<typeof logRateLimit>;

  constructor(options: FaultSwitchesOptions<Name>) {
    this.#options = options;
    this.#mayLog = logRateLimit(options.clock, SAY_AGAIN_MS);
  }

  /** Told when faults have come or gone; messages need no longer pass what stands in for them. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Faults that are on; one that is on for two users counts twice. */
  get count(): number {
    return this.#active.length;
  }

  /** Whether this fault can meet anybody. */
  isArmed(name: Name): boolean {
    const isNamed = (one: Activation<Name>): boolean => one.name === name;
    return this.#active.some(isNamed) || this.#spent.some(isNamed);
  }

  /** Switches a fault or all of a preset on; on already for the same user, it begins anew. */
  on(name: string, request: FaultRequest): FaultProblem | undefined {
    const orders = faultOrders(this.#options.catalogue, name, request);
    return isFaultProblem(orders) ? orders : this.order(orders);
  }

  /** All of them or none. */
  order(orders: readonly FaultOrder<Name>[]): FaultProblem | undefined {
    const { subjectOf, unsuitable, catalogue } = this.#options;
    const ready: (readonly [FaultOrder<Name>, string | undefined])[] = [];
    for (const order of orders) {
      const { impu, name } = order;
      const subject = impu === undefined ? undefined : subjectOf(impu);
      if (impu !== undefined && subject === undefined)
        return {
          problem: "no-such-user",
          detail: `impu: ${impu} is nobody's at the ${catalogue.node}`,
        };
      const why = unsuitable?.(name, subject);
      if (why !== undefined) return { problem: "unsuitable", detail: `${name}: ${why}` };
      ready.push([order, subject]);
    }
    for (const [order, subject] of ready) this.#switchOn(order, subject);
    this.#changed();
    return undefined;
  }

  /**
   * Switches off: a fault or all of a preset, for one user or whomever it is on for; without a name all there are.
   * What was not on stays off.
   */
  off(name?: string, impu?: string): FaultProblem | undefined {
    const { catalogue, subjectOf } = this.#options;
    const named = name === undefined ? catalogue.faults : faultsNamed(catalogue, name);
    if ("problem" in named) return named;
    const subject = impu === undefined ? undefined : subjectOf(impu);
    if (impu !== undefined && subject === undefined)
      return {
        problem: "no-such-user",
        detail: `impu: ${impu} is nobody's at the ${catalogue.node}`,
      };
    const isMeant = (one: Activation<Name>): boolean =>
      named.some((fault) => fault.name === one.name) &&
      (impu === undefined || one.subject === subject);
    for (const one of this.#active.filter(isMeant)) this.#switchOff(one);
    this.#changed();
    return undefined;
  }

  /** The parameters of a fault that is on for him, without a use of it; undefined: it is not on. */
  look(name: Name, subject: string): FaultValues | undefined {
    return this.#find(this.#active, name, subject)?.values;
  }

  /**
   * The parameters of a fault that is on for him, which is used by this; undefined: it is not on.
   * @param message names what is spoilt, where it may come again: that is no further use
   */
  take(name: Name, subject: string, message?: string): FaultValues | undefined {
    const known =
      message === undefined
        ? undefined
        : [...this.#active, ...this.#spent].find(
            (one) => one.name === name && isFor(one, subject) && one.met.has(message),
          );
    if (known !== undefined) return known.values;
    const found = this.#find(this.#active, name, subject);
    if (found === undefined) return undefined;
    if (message !== undefined) {
      const [oldest] = found.met;
      if (oldest !== undefined && found.met.size >= MOST_MET) found.met.delete(oldest);
      found.met.add(message);
    }
    this.#use(found, subject);
    return found.values;
  }

  /** As `GET /faults` lists them: faults, then presets. */
  get views(): readonly FaultView[] {
    const { faults, presets } = this.#options.catalogue;
    return [
      ...faults.map(({ name, doc, isDeed, parameters }) => ({
        name,
        doc,
        isDeed,
        combines: [],
        parameters,
        active: this.#active.filter((one) => one.name === name).map(viewOfActive),
      })),
      ...presets.map(({ name, doc, combines }) => ({
        name,
        doc,
        isDeed: false,
        combines,
        parameters: [],
        active: [],
      })),
    ];
  }

  /** How many activations each fault has: for the metrics. */
  get counts(): ReadonlyMap<string, number> {
    const { faults } = this.#options.catalogue;
    return new Map(
      faults.map(({ name }) => [name, this.#active.filter((one) => one.name === name).length]),
    );
  }

  /** Ends all timers; nothing is said. */
  close(): void {
    for (const { timer } of [...this.#active, ...this.#spent]) timer?.cancel();
  }

  /** What is on for this user alone comes before what is on for everybody. */
  #find(
    among: readonly Activation<Name>[],
    name: Name,
    subject: string,
  ): Activation<Name> | undefined {
    const meant = among.filter((one) => one.name === name && isFor(one, subject));
    return meant.find((one) => one.subject !== undefined) ?? meant[0];
  }

  #switchOn({ name, impu, times, values }: FaultOrder<Name>, subject: string | undefined): void {
    const { clock, log, catalogue } = this.#options;
    const before = this.#active.find((one) => one.name === name && one.subject === subject);
    if (before !== undefined) remove(this.#active, before);
    before?.timer?.cancel();
    const activation: Activation<Name> = {
      name,
      impu,
      subject,
      since: Math.floor(clock.now()),
      values,
      remaining: times,
      acted: 0,
      met: new Set(),
    };
    this.#active.push(activation);
    const parameters = Object.entries(values).map(([key, value]) => `${key}=${value}`);
    log.warn("fault.on", { fault: name, impu, times, parameters });
    const isDeed = catalogue.faults.some((fault) => fault.name === name && fault.isDeed);
    if (isDeed) this.#performLater(activation);
  }

  #performLater(activation: Activation<Name>): void {
    const { clock, perform } = this.#options;
    const milliseconds = Number(activation.values["afterSeconds"]) * 1000;
    activation.timer = clock.after(milliseconds, () => {
      this.#use(activation, activation.subject ?? "everybody");
      perform?.(activation.name, activation.subject);
    });
  }

  #use(activation: Activation<Name>, subject: string): void {
    const { log } = this.#options;
    const { name } = activation;
    activation.acted += 1;
    if (this.#mayLog(`${name} ${subject}`))
      log.info("fault.acted", { fault: name, subject, acted: activation.acted });
    if (activation.remaining === undefined) return;
    activation.remaining -= 1;
    if (activation.remaining > 0) return;
    this.#switchOff(activation);
    this.#changed();
  }

  #switchOff(activation: Activation<Name>): void {
    const { clock, log } = this.#options;
    const { name, impu, acted, met } = activation;
    activation.timer?.cancel();
    remove(this.#active, activation);
    log.warn("fault.off", { fault: name, impu, acted });
    if (met.size === 0) return;
    this.#spent.push(activation);
    activation.timer = clock.after(REPEATED_MS, () => {
      remove(this.#spent, activation);
      this.#changed();
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function isFor<Name extends string>(activation: Activation<Name>, subject: string): boolean {
  return activation.subject === undefined || activation.subject === subject;
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

function viewOfActive<Name extends string>(activation: Activation<Name>): ActiveFaultView {
  const { impu, remaining, acted, since, values } = activation;
  return { impu: impu ?? null, remaining: remaining ?? null, acted, since, parameters: values };
}
