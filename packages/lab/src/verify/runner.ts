// A device taken through procedures: runs one after the other, each judged, the network left as it was.
import type { ScscfFaultName } from "@ims-lab/common/admin-api/faults";
import type { ObservedMessage } from "@ims-lab/common/admin-api/observed-messages";
import type { BindingView, RegistrationView } from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import { CommandFailure, EXIT } from "../cli/exit-codes.ts";
import { type Course, type DeviceFacts, exchanges, seconds } from "./course.ts";
import type { Extras, Procedure } from "./procedures.ts";
import { Recording } from "./recording.ts";
import { RUNS, type RunName, type RunStep } from "./runs.ts";
import { judgeAll, type ProcedureResult } from "./verdict.ts";

/** What is done at the network, and what it shows. Times are the S-CSCF's. */
export interface NetworkControl {
  registration(impu: string): Promise<RegistrationView>;
  schemeOf(impi: string): Promise<"aka" | "digest">;
  /** Faults of the S-CSCF that meet one of these identities, or everybody. */
  faultsThatAreOn(identities: readonly string[]): Promise<readonly string[]>;
  /** From now on, until the signal; resolves when it has begun. Rejects `over` where it breaks off. */
  observe(
    impu: string,
    saw: (message: ObservedMessage) => void,
    signal: AbortSignal,
  ): Promise<{ readonly over: Promise<never> }>;
  /** Asks, or asks for sooner. */
  reauthenticate(impu: string, withinSeconds: number): Promise<void>;
  deregister(impu: string, cause: "deactivated" | "rejected"): Promise<void>;
  switchOn(fault: Extract<RunStep, { do: "fault" }>, impu: string): Promise<void>;
  /** Also where it is off already. */
  switchOff(fault: ScscfFaultName, impu: string): Promise<void>;
  /** Resolves when it is up; false: it was not answered. */
  call(from: string, to: string): Promise<boolean>;
  hangUp(from: string): Promise<void>;
}

export interface Order {
  readonly impu: string;
  readonly procedures: readonly Procedure[];
  readonly extras: Extras;
  /** The most that is waited for any one thing. */
  readonly timeoutSeconds: number;
  /** What the device is given to authenticate again. */
  readonly withinSeconds: number;
}

export interface Report {
  readonly impu: string;
  readonly device: DeviceFacts;
  readonly results: readonly ProcedureResult[];
  /** How the device was left, in words. */
  readonly left: string;
}

export interface Verifying {
  readonly clock: Clock;
  readonly network: NetworkControl;
  show(line: string): void;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The device cannot be verified at all. */
export class NotVerifiable extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Throws NotVerifiable, what the network throws, and the reason of the signal; faults are off whatever happens. */
export async function verifyDevice(order: Order, verifying: Verifying): Promise<Report> {
  const over = new AbortController();
  const signal = AbortSignal.any([verifying.signal, over.signal]);
  const recording = new Recording(verifying.clock);
  const session = new VerifySession(order, { ...verifying, signal }, recording);
  const device = await session.firstLook();
  const { network } = verifying;
  const observed = await network.observe(order.impu, (one) => recording.add(one), signal);
  observed.over.catch((problem: unknown) => over.abort(problem));
  try {
    const results = await session.results();
    return { impu: order.impu, device, results, left: await session.left() };
  } catch (problem) {
    if (!verifying.signal.aborted) throw problem;
    const left = await session.left();
    throw new NotVerifiable(
      EXIT.interrupted,
      `interrupted: no fault is left on, and the device is ${left}`,
    );
  } finally {
    over.abort();
  }
}

/** Time for a device to be registered, authenticated and subscribed again after a run. */
const SETTLE_SECONDS = 70;
const LOOK_MS = 500;
/** 64*T1 */
const TRANSACTION_MS = 32_000;
/** Shorter waits are not shown. */
const QUIET_MS = 2_000;

class VerifySession {
  readonly #order: Order;
  readonly #verifying: Verifying;
  readonly #recording: Recording;
  #wasSubscribed = false;
  /** It did not come to be as it was found. */
  #isLost = false;

  constructor(order: Order, verifying: Verifying, recording: Recording) {
    this.#order = order;
    this.#verifying = verifying;
    this.#recording = recording;
  }

  async firstLook(): Promise<DeviceFacts> {
    const { impu } = this.#order;
    const found = await this.#verifying.network.registration(impu);
    if (found.bindings.length === 0)
      throw new NotVerifiable(EXIT.notRegistered, `not registered: ${impu}`);
    if (found.bindings.length > 1) {
      const contacts = found.bindings.map(({ contact }) => contact).join(", ");
      throw new NotVerifiable(
        EXIT.unknown,
        `${impu} has ${found.bindings.length} devices, and one is judged at a time: de-register the others (${contacts})`,
      );
    }
    const on = await this.#verifying.network.faultsThatAreOn([impu, ...found.implicitSet]);
    if (on.length > 0)
      throw new NotVerifiable(
        EXIT.unknown,
        `the S-CSCF has faults for ${impu}: switch off ${on.join(", ")}`,
      );
    return this.#factsOf(found);
  }

  async results(): Promise<readonly ProcedureResult[]> {
    const { procedures } = this.#order;
    const results = new Map<string, ProcedureResult>();
    const runs = [...new Set(procedures.map(({ run }) => run))];
    for (const run of runs) {
      const judged = procedures.filter((one) => one.run === run);
      for (const result of await this.#judge(run, judged)) results.set(result.name, result);
    }
    return procedures.flatMap(({ name }) => results.get(name) ?? []);
  }

  async #judge(run: RunName, procedures: readonly Procedure[]): Promise<ProcedureResult[]> {
    const began = this.#recording.now;
    const settled = await this.#settle(run);
    const { device } = settled;
    const lacking = (one: Procedure): string | undefined => one.lacks(device, this.#order.extras);
    const fit = procedures.filter((one) => lacking(one) === undefined);
    const course =
      fit.length === 0 || settled.why !== undefined
        ? undefined
        : await this.#carryOut(run, device, fit.map(({ title }) => title).join("; "));
    const milliseconds = Math.max(0, Math.round(this.#recording.now - began));
    return procedures.map(({ name, title, clause, checks, lacks }): ProcedureResult => {
      const about = { name, title, clause };
      const why = settled.why === undefined ? lacks(device, this.#order.extras) : undefined;
      if (why !== undefined)
        return { ...about, verdict: "not-applicable", why, checks: [], milliseconds: 0 };
      if (course === undefined) {
        const reason = settled.why ?? null;
        return { ...about, verdict: "inconclusive", why: reason, checks: [], milliseconds };
      }
      return { ...about, ...judgeAll(checks, course), milliseconds };
    });
  }

  /** Waits for the device to be as it was found: registered, authenticated, subscribed. */
  async #settle(run: RunName): Promise<{ device: DeviceFacts; why: string | undefined }> {
    const { network } = this.#verifying;
    const { impu, timeoutSeconds } = this.#order;
    // A device that did not come back has had its time.
    const most = this.#isLost ? 0 : Math.min(SETTLE_SECONDS, timeoutSeconds);
    const until = this.#recording.now + most * 1000;
    const shownFrom = this.#recording.now + QUIET_MS;
    for (;;) {
      const found = await network.registration(impu);
      const why = this.#unsettled(found);
      const isAsFound = run === "as-found";
      if (why === undefined || isAsFound) {
        const device = await this.#factsOf(found);
        if (device.package !== undefined) this.#wasSubscribed = true;
        return { device, why: undefined };
      }
      if (this.#recording.now >= until) {
        this.#isLost = true;
        return { device: await this.#factsOf(found), why };
      }
      if (this.#recording.now >= shownFrom) this.#verifying.show(`waiting for the device: ${why}`);
      await this.#pause(LOOK_MS / 1000);
    }
  }

  #unsettled({ bindings }: RegistrationView): string | undefined {
    const [binding] = bindings;
    if (binding === undefined) return "it is not registered any more";
    if (binding.reauthentication !== null) return "it has not authenticated as it was asked to";
    if (this.#wasSubscribed && binding.subscription === null)
      return "it has no subscription any more";
    return this.#owesAnswer() ? "it has not answered the last NOTIFY" : undefined;
  }

  /** Until then no other NOTIFY leaves (RFC 6665 §4.2.2). */
  #owesAnswer(): boolean {
    const since = this.#recording.now - TRANSACTION_MS;
    return exchanges({ messages: this.#recording.from(0) }, "to-device", "NOTIFY").some(
      ({ request, answer }) => answer === undefined && request.at > since,
    );
  }

  async #factsOf({ impu, impi, bindings }: RegistrationView): Promise<DeviceFacts> {
    const [binding] = bindings;
    const scheme = await this.#verifying.network.schemeOf(impi);
    return { impu, impi, scheme, ...ofBinding(binding) };
  }

  async #carryOut(run: RunName, device: DeviceFacts, title: string): Promise<Course> {
    const { network, show, clock } = this.#verifying;
    const { impu, extras } = this.#order;
    const start = this.#recording.length;
    const state: RunState = { cutShort: undefined, hasCall: false };
    const course = (): Course => ({
      device,
      messages: this.#recording.from(start),
      endedAt: this.#recording.now,
      ...state,
    });
    const switched: ScscfFaultName[] = [];
    try {
      for (const step of RUNS[run]) {
        if (step.do === "fault") switched.push(step.name);
        const words = waitingWords(step);
        const timer =
          words === undefined ? undefined : clock.after(QUIET_MS, () => show(`${title}: ${words}`));
        await this.#take(step, course, state).finally(() => timer?.cancel());
      }
    } catch (problem) {
      if (!isUnregistered(problem)) throw problem;
      state.cutShort = "it has de-registered meanwhile";
    } finally {
      for (const name of switched) await network.switchOff(name, impu);
      if (state.hasCall && extras.caller !== undefined) await network.hangUp(extras.caller);
    }
    return course();
  }

  async #take(step: RunStep, course: () => Course, state: RunState): Promise<void> {
    const { network, signal } = this.#verifying;
    const { impu, extras, timeoutSeconds, withinSeconds } = this.#order;
    signal.throwIfAborted();
    switch (step.do) {
      case "fault":
        return network.switchOn(step, impu);
      case "reauthenticate":
        return network.reauthenticate(impu, Math.ceil(withinSeconds * (step.share ?? 1)));
      case "deregister":
        return network.deregister(impu, step.cause);
      case "call":
        if (extras.caller !== undefined) state.hasCall = await network.call(extras.caller, impu);
        return undefined;
      case "hang-up":
        if (state.hasCall && extras.caller !== undefined) {
          await network.hangUp(extras.caller);
          await this.#pause(1);
        }
        return undefined;
      case "quiet":
        return this.#pause(Math.min(step.seconds, timeoutSeconds));
      case "await": {
        const most = (): number => Math.min(step.most(course()), timeoutSeconds);
        await this.#recording.until(() => step.isThere(course()), most, signal);
        return undefined;
      }
    }
  }

  /** How the device stands at the end. */
  async left(): Promise<string> {
    const { impu } = this.#order;
    const { bindings } = await this.#verifying.network.registration(impu);
    const [binding] = bindings;
    if (binding === undefined) return "not registered: have it register again by hand";
    if (binding.reauthentication !== null)
      return `registered, and a re-authentication is still due (${binding.reauthentication.progress})`;
    return binding.subscription === null
      ? "registered, not subscribed"
      : "registered and subscribed";
  }

  async #pause(forSeconds: number): Promise<void> {
    await this.#recording.until(
      () => false,
      () => forSeconds,
      this.#verifying.signal,
    );
  }
}

interface RunState {
  cutShort: string | undefined;
  hasCall: boolean;
}

function isUnregistered(problem: unknown): boolean {
  return problem instanceof CommandFailure && problem.exitCode === EXIT.notRegistered;
}

function ofBinding(
  binding: BindingView | undefined,
): Pick<DeviceFacts, "contact" | "callId" | "cseq" | "package"> {
  return {
    contact: binding?.contact,
    callId: binding?.callId ?? "",
    cseq: binding?.cseq ?? 0,
    package: binding?.subscription?.package,
  };
}

/** Of steps that take their time. */
function waitingWords(step: RunStep): string | undefined {
  if (step.do === "await") return `waiting for ${step.what}`;
  if (step.do === "quiet") return `watching for ${seconds(step.seconds * 1000)}`;
  return step.do === "call" ? "calling it" : undefined;
}
