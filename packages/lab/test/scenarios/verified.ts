// `verify` over a simulated lab under its fake clock: the same runner, with the nodes at hand instead of their HTTP.
import { setImmediate as eventsHandled } from "node:timers/promises";
import { registrationView } from "../../../scscf/src/admin/views.ts";
import { PROCEDURES } from "../../src/verify/procedures.ts";
import { type NetworkControl, type Report, verifyDevice } from "../../src/verify/runner.ts";
import { impuOf, type Lab, type Ue } from "./lab.ts";

export function labControl(lab: Lab, user: string, caller?: Ue): NetworkControl {
  const { switches } = lab.scscf.faults;
  return {
    registration: (impu) => {
      const set = lab.scscf.setOf(impu);
      if (set === undefined) throw new Error(`${impu} is nobody`);
      return Promise.resolve(registrationView(lab.scscf, set, impu));
    },
    schemeOf: (impi) => Promise.resolve(lab.scscf.directory.byImpi(impi)?.auth.scheme ?? "digest"),
    faultsThatAreOn: (identities) =>
      Promise.resolve(
        switches.views
          .filter(({ active }) =>
            active.some(({ impu }) => impu === null || identities.includes(impu)),
          )
          .map(({ name }) => name),
      ),
    observe: (impu, saw, signal) => {
      const names = new Set(lab.scscf.setOf(impu)?.impus.map(({ aor }) => aor));
      const stop = lab.scscf.watches.begin({ names, saw });
      signal.addEventListener("abort", stop);
      return Promise.resolve({ over: new Promise<never>(() => undefined) });
    },
    reauthenticate: (_impu, withinSeconds) => {
      lab.askByScscf(user, withinSeconds * 1000);
      return Promise.resolve();
    },
    deregister: (_impu, kind) => {
      lab.deregister(user, { kind });
      return Promise.resolve();
    },
    switchOn: ({ name, times, parameters = {} }, impu) => {
      const problem = switches.on(name, {
        impu,
        parameters,
        ...(times !== undefined && { times }),
      });
      if (problem !== undefined) throw new Error(problem.detail);
      return Promise.resolve();
    },
    switchOff: (name, impu) => {
      switches.off(name, impu);
      return Promise.resolve();
    },
    call: async (_from, to) => {
      caller?.equipment.calls.dial(to);
      const isUp = (): boolean => caller?.view.calls.some(({ state }) => state === "up") ?? false;
      for (let turn = 0; !isUp() && turn < MOST_TURNS_TO_ANSWER; turn++) await eventsHandled();
      return isUp();
    },
    hangUp: () => {
      caller?.equipment.calls.hangUpAll();
      return Promise.resolve();
    },
  };
}

export interface VerifyOptions {
  readonly only?: readonly string[];
  readonly caller?: Ue;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
  readonly show?: (line: string) => void;
  readonly network?: NetworkControl;
}

/** Verifies a user's device; time passes until the report is there. */
export async function verified(
  lab: Lab,
  user: string,
  options: VerifyOptions = {},
): Promise<Report> {
  const { only, caller, timeoutSeconds = 400 } = options;
  const procedures =
    only === undefined ? PROCEDURES : PROCEDURES.filter(({ name }) => only.includes(name));
  const order = {
    impu: impuOf(user),
    procedures,
    extras: { caller: caller && impuOf(caller.user) },
    timeoutSeconds,
    withinSeconds: 60,
  };
  const verifying = {
    clock: lab.clock,
    network: options.network ?? labControl(lab, user, caller),
    show: options.show ?? (() => undefined),
    signal: options.signal ?? new AbortController().signal,
  };
  let isOver = false;
  const report = verifyDevice(order, verifying).finally(() => {
    isOver = true;
  });
  report.catch(() => undefined);
  for (let turn = 0; !isOver && turn < MOST_TURNS; turn++) {
    await eventsHandled();
    lab.clock.advance(TURN_MS);
  }
  if (!isOver) throw new Error("verify does not end");
  return report;
}

const TURN_MS = 50;
const MOST_TURNS = 40_000;
const MOST_TURNS_TO_ANSWER = 200;

/** `name verdict why`, and what failed. */
export function told({ results }: Report): readonly string[] {
  return results.map(({ name, verdict, why, checks }) => {
    const wrong = checks.flatMap((one) =>
      one.verdict === "fail" ? [`${one.finding}: ${one.saw}`] : [],
    );
    return [name, verdict, why ?? "", ...wrong].filter((part) => part !== "").join(" | ");
  });
}
