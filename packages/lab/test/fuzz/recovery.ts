// The verdict on recovery: seconds after the wires are honest again everybody registers, re-authenticates and is called.
import type {
  BindingView,
  CallView,
  Page,
  ReauthenticateAnswer,
  ReauthenticationView,
  RegistrationView,
} from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { UeView } from "../../../ue/src/view.ts";
import { escaped } from "./faults.ts";
import { HTTP, type LiveNodes, PHONES, type Phone } from "./live-nodes.ts";
import { ask, HOST } from "./processes.ts";

/** For each step, in milliseconds: a refresh (10 s) tells a UE that it is subscribed no more, Timers F and N take 6.4 s. */
const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 100;
/** Of the messages on each wire that name somebody who is not well. */
const SHOWN = 60;

/** States in which a UE would wait for its pause to end, or for a person (RFC 5626 §4.5). */
const GIVEN_UP: ReadonlySet<string> = new Set(["waiting", "deregistered"]);

interface User {
  readonly phone: Phone;
  readonly impu: string;
}

const USERS: readonly User[] = PHONES.flatMap((phone) =>
  phone.impus.map((impu) => ({ phone, impu })),
);

export class Recovery {
  readonly #clock: Clock;
  readonly #nodes: Pick<LiveNodes, "passed">;

  constructor(clock: Clock, nodes: Pick<LiveNodes, "passed">) {
    this.#clock = clock;
    this.#nodes = nodes;
  }

  /** Throws, saying who is not well and what both sides think; prints what had passed. */
  async check(): Promise<void> {
    await Promise.all(USERS.map((user) => this.#registersAgain(user)));
    const firsts = PHONES.map((phone) => ({ phone, impu: phone.impus[0] ?? "" }));
    await Promise.all(firsts.map((user) => this.#reauthenticates(user)));
    const callee = USERS.findLast(({ phone }) => phone.answers && phone.impus.length > 1);
    for (const caller of firsts)
      if (caller.phone !== callee?.phone) await this.#calls(caller, callee?.impu ?? "");
  }

  /** Both sides name the same REGISTER, and it is a new one. */
  async #registersAgain(user: User): Promise<void> {
    const before = (await stateOf(user)).registration;
    await post(user, "/hangup");
    await post(user, "/register");
    const isWell = await this.#becomes(async () => {
      const { contact, registration } = await stateOf(user);
      // What was under way when we asked may fail yet; then we ask again.
      if (hasFailed(registration)) await post(user, "/register");
      const { bindings } = await registrationOf(user);
      return bindings.some(
        (binding) =>
          binding.contact === contact &&
          binding.callId === registration.callId &&
          binding.cseq === registration.cseq &&
          registration.state === "registered" &&
          (binding.callId !== before.callId || binding.cseq !== before.cseq),
      );
    });
    if (!isWell) await this.#giveUp(user, "could not register again");
  }

  /** Off and on: an initial registration comes with a subscription (TS 24.229 §5.1.1.3). */
  async #startsAnew(user: User): Promise<void> {
    await post(user, "/deregister");
    const isOff = await this.#becomes(
      async () => (await stateOf(user)).registration.state === "deregistered",
    );
    if (!isOff) await this.#giveUp(user, "could not de-register");
    await this.#registersAgain(user);
  }

  /** Of this device alone: somebody who may assert may have registered others. */
  async #reauthenticates(user: User): Promise<void> {
    if (await isSentAway(user)) await this.#startsAnew(user);
    const isSubscribed = await this.#becomes(() => this.#isSubscribed(user));
    if (!isSubscribed) await this.#giveUp(user, "did not subscribe again");
    const isOwn = await ownBinding(user);
    const asked = await ask(`${inCore(user)}/reauthenticate`, { method: "POST" });
    const { items = [] } = (await asked.json()) as Partial<ReauthenticateAnswer>;
    const { bindings } = await registrationOf(user);
    const own = items.find(({ bindingId }) => bindings.find(isOwn)?.id === bindingId);
    const hasEnded = await this.#becomes(async () => {
      const answer = await ask(`http://${HOST}:${HTTP.scscf}/reauthentications/${own?.id}`);
      const { end } = (await answer.json()) as Partial<ReauthenticationView>;
      return end === "reauthenticated";
    });
    if (!hasEnded) await this.#giveUp(user, `was asked (${asked.status}) in vain`);
  }

  /** Both sides mean the same dialog. */
  async #isSubscribed(user: User): Promise<boolean> {
    const { subscription } = await stateOf(user);
    // A SUBSCRIBE from before may fail yet; the next REGISTER brings another.
    if (subscription?.state === "none") await this.#registersAgain(user);
    const isOwn = await ownBinding(user);
    const { bindings } = await registrationOf(user);
    if (subscription?.state !== "active") return false;
    return bindings.some((one) => isOwn(one) && one.subscription?.callId === subscription.callId);
  }

  async #calls(user: User, to: string): Promise<void> {
    const answer = await post(user, "/call", { to });
    const { callId } = (await answer.json()) as Partial<CallView>;
    const inState = (wanted: CallView["state"]): Promise<boolean> =>
      this.#becomes(async () => {
        const { calls } = await stateOf(user);
        return calls.some((call) => call.callId === callId && call.state === wanted);
      });
    if (!(await inState("up"))) await this.#giveUp(user, `called ${to} in vain`);
    await post(user, "/hangup");
    if (!(await inState("over"))) await this.#giveUp(user, "could not hang up");
  }

  /** Looks until `isSo`; false when it never was. */
  async #becomes(isSo: () => Promise<boolean>): Promise<boolean> {
    const until = this.#clock.now() + PATIENCE_MS;
    while (this.#clock.now() < until) {
      if (await isSo()) return true;
      await new Promise<void>((resolve) => this.#clock.after(LOOK_EVERY_MS, resolve));
    }
    return false;
  }

  async #giveUp(user: User, what: string): Promise<never> {
    const name = user.impu.slice(0, user.impu.indexOf("@") + 1);
    for (const passed of this.#nodes.passed()) {
      const named = passed.filter((bytes) => bytes.includes(name)).slice(-SHOWN);
      for (const bytes of named) process.stderr.write(`passed: ${escaped(bytes)}\n`);
    }
    const sides = { ue: await stateOf(user), scscf: await registrationOf(user) };
    throw new Error(`${user.impu} ${what}: ${JSON.stringify(sides)}`);
  }
}

function post({ phone, impu }: User, path: string, more: object = {}): Promise<Response> {
  return ask(`http://${HOST}:${phone.http}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ identity: impu, ...more }),
  });
}

/** A refresh that failed leaves the UE registered until it is time for the next (TS 24.229 §5.1.1.4). */
function hasFailed({ state, lastFailure }: UeView["registration"]): boolean {
  return GIVEN_UP.has(state) || (state === "registered" && lastFailure !== null);
}

/** RFC 6665 §4.1.3: who was told `noresource` or `rejected` subscribes no more, and damage can say so. */
async function isSentAway(user: User): Promise<boolean> {
  const { subscription } = await stateOf(user);
  return (
    subscription?.state === "none" && subscription.lastNotify?.subscriptionState === "terminated"
  );
}

/** Tells the binding that the UE's last REGISTER made. */
async function ownBinding(user: User): Promise<(binding: BindingView) => boolean> {
  const { contact, registration } = await stateOf(user);
  return (binding) => binding.contact === contact && binding.callId === registration.callId;
}

async function stateOf({ phone, impu }: User): Promise<UeView> {
  const answer = await ask(`http://${HOST}:${phone.http}/state`);
  const { items } = (await answer.json()) as Page<UeView>;
  const view = items.find((one) => one.impu === impu);
  if (view === undefined) throw new Error(`${impu} is no user of port ${phone.http}`);
  return view;
}

function inCore({ impu }: User): string {
  return `http://${HOST}:${HTTP.scscf}/registrations/${encodeURIComponent(impu)}`;
}

async function registrationOf(user: User): Promise<RegistrationView> {
  return (await (await ask(inCore(user))).json()) as RegistrationView;
}
