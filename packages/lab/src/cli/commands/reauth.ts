// `imslab reauth`: a request to the S-CSCF, or to the P-CSCF, which asks the S-CSCF, followed to its end.
import type {
  AskAnswer,
  Page,
  ReauthenticateAnswer,
  ReauthenticationView,
} from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { AdminClient } from "../admin-client.ts";
import {
  type Command,
  defineCommand,
  print,
  progressing,
  registrationPath,
  type Session,
} from "../command.ts";
import { CommandFailure, EXIT, exitCodeOf } from "../exit-codes.ts";
import { impuOf, type Side, secondsOf, sideOf, UsageError } from "../option-values.ts";
import { type Progress, pause } from "../progress.ts";
import { reported } from "../reauth-report.ts";
import { timeLeft } from "../table.ts";
import { outcomeLine } from "../views.ts";

export const reauth: Command = defineCommand({
  name: "reauth",
  help: `  imslab reauth IMPU [--wait SECONDS] [--within SECONDS] [--contact URI]
                [--from scscf|pcscf] [--junit FILE]
      Makes the user authenticate again and waits for the end; --wait 0 only asks. --within:
      its time, in the place of N (reauthentication.deadlineSeconds), for this one; one that
      runs is only made shorter. --junit writes a report with a test case for each device.
`,
  options: {
    from: { type: "string" },
    wait: { type: "string" },
    within: { type: "string" },
    contact: { type: "string" },
    junit: { type: "string" },
  },
  words: 1,
  read([argument], { from, wait, within, contact, junit }) {
    const impu = impuOf(argument, "reauth");
    const side = sideOf(from);
    if (contact !== undefined && side === "pcscf") {
      throw new UsageError("the P-CSCF asks for all of a user's contacts: leave --contact out");
    }
    if (within !== undefined && side === "pcscf") {
      throw new UsageError("the P-CSCF cannot say how long the device has: leave --within out");
    }
    const order = {
      impu,
      contact,
      waitSeconds: secondsOf("--wait", wait),
      withinSeconds: withinOf(within),
    };
    if (junit === "") throw new UsageError("--junit: say which file");
    if (junit !== undefined && order.waitSeconds === 0)
      throw new UsageError("--junit reports the end, which --wait 0 does not wait for");
    return async (session) => {
      if (junit === undefined) return reauthenticate(order, side, session);
      return reported(junit, impu, session, (report) =>
        reauthenticate(order, side, session, report),
      );
    };
  },
});

function withinOf(written: string | undefined): number | undefined {
  const seconds = secondsOf("--within", written);
  if (seconds === undefined || (Number.isInteger(seconds) && seconds >= 1 && seconds <= A_DAY))
    return seconds;
  throw new UsageError(`--within: "${written}" is no whole number from 1 to ${A_DAY}`);
}

/** As much as the S-CSCF grants. */
const A_DAY = 86_400;

async function reauthenticate(
  order: ReauthenticationOrder,
  from: Side,
  session: Session,
  report: (items: readonly ReauthenticationView[]) => void = () => undefined,
): Promise<number> {
  const outcome = await progressing<Awaited<ReturnType<typeof askPcscf>>>(session, (progress) =>
    from === "pcscf"
      ? askPcscf(order, session, progress)
      : askScscf(order, session.scscf, progress),
  );
  if ("contacts" in outcome) {
    return print(outcome, `asked for ${outcome.contacts.join(", ")}\n`, session);
  }
  report(outcome);
  const lines = outcome.map(outcomeLine).join("");
  print({ items: outcome, total: outcome.length }, lines, session);
  // Without waiting, the request itself is the success.
  return order.waitSeconds === 0 ? EXIT.done : exitCodeOf(outcome.map(({ end }) => end));
}

interface ReauthenticationOrder {
  readonly impu: string;
  readonly contact: string | undefined;
  /** Undefined: until the end. */
  readonly waitSeconds: number | undefined;
  /** Undefined: the S-CSCF's N. */
  readonly withinSeconds: number | undefined;
}

interface CscfClients {
  readonly scscf: AdminClient;
  readonly pcscf: AdminClient;
}

/** Waits up to here are silent, and left to the node, which answers at the very end. */
const QUIET_SECONDS = 2;
const POLL_MS = 250;
/** How long the P-CSCF's request may take to show at the S-CSCF. */
const ARRIVAL_MS = 5_000;

/** Figure 2: the S-CSCF asks the UE. */
async function askScscf(
  order: ReauthenticationOrder,
  scscf: AdminClient,
  progress: Progress,
): Promise<ReauthenticationView[]> {
  const until = deadline(order, progress.clock);
  const wait = Math.floor(Math.min(QUIET_SECONDS, order.waitSeconds ?? QUIET_SECONDS));
  const { items } = await scscf.post<ReauthenticateAnswer>(
    `${registrationPath(order.impu)}/reauthenticate`,
    wait > 0 ? { wait } : {},
    askedOf(order),
  );
  return follow(items, until, scscf, progress);
}

function askedOf({ contact, withinSeconds }: ReauthenticationOrder): object | undefined {
  if (contact === undefined && withinSeconds === undefined) return undefined;
  return {
    ...(contact !== undefined && { contact }),
    ...(withinSeconds !== undefined && { withinSeconds }),
  };
}

/** Figure 5: the P-CSCF asks the S-CSCF; its answer is not the outcome. */
async function askPcscf(
  order: ReauthenticationOrder,
  { scscf, pcscf }: CscfClients,
  progress: Progress,
): Promise<readonly ReauthenticationView[] | AskAnswer> {
  const { clock } = progress;
  const list = (): Promise<Page<ReauthenticationView>> =>
    scscf.all("/reauthentications", { impu: order.impu });
  const watched = order.waitSeconds !== 0;
  const earlier = watched ? (await list()).items : [];
  const over = new Set(earlier.filter(({ end }) => end !== null).map(({ id }) => id));
  const until = deadline(order, clock);
  const answer = await pcscf.post<AskAnswer>(`${registrationPath(order.impu)}/reauthenticate`);
  if (!watched) return answer;
  const arrival = Math.min(until, clock.now() + ARRIVAL_MS);
  for (;;) {
    // All times are the S-CSCF's own, also of a re-authentication that is over by now.
    const { items } = await list();
    const found = items.filter(({ id }) => !over.has(id));
    if (found.length > 0) return follow(found, until, scscf, progress);
    if (clock.now() >= arrival) {
      throw new CommandFailure(
        EXIT.unknown,
        "the P-CSCF has asked, but the S-CSCF has not started a re-authentication: is it subscribed there (profile seed)?",
      );
    }
    await pause(clock, POLL_MS);
  }
}

function deadline({ waitSeconds }: ReauthenticationOrder, clock: Clock): number {
  return waitSeconds === undefined ? Number.POSITIVE_INFINITY : clock.now() + waitSeconds * 1000;
}

async function follow(
  items: readonly ReauthenticationView[],
  until: number,
  scscf: AdminClient,
  { clock, show }: Progress,
): Promise<ReauthenticationView[]> {
  let last = "";
  let current = [...items];
  for (;;) {
    const running = current.filter(({ end }) => end === null);
    if (running.length === 0 || clock.now() >= until) return current;
    const line = running.map((one) => waitingFor(one, clock.now())).join("; ");
    if (line !== last) show(line);
    last = line;
    await pause(clock, POLL_MS);
    current = await Promise.all(
      current.map((one) =>
        one.end === null ? scscf.get<ReauthenticationView>(`/reauthentications/${one.id}`) : one,
      ),
    );
  }
}

function waitingFor(one: ReauthenticationView, now: number): string {
  const { contact, progress, deadlineAt, reason } = one;
  const left = deadlineAt === null ? "" : `, ${timeLeft(deadlineAt, now)} left`;
  const why = progress === "requested" && reason !== null ? `: ${reason}` : "";
  return `waiting for ${contact}: ${progress}${why}${left}`;
}
