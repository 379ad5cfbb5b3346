// `imslab reauth`: a request to the S-CSCF, or to the P-CSCF, which asks the S-CSCF, followed to its end.
import type {
  AskAnswer,
  Page,
  ReauthenticateAnswer,
  ReauthenticationView,
} from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { AdminClient } from "./admin-client.ts";
import { CommandFailure, EXIT } from "./exit-codes.ts";
import { type Progress, pause } from "./progress.ts";
import { timeLeft } from "./table.ts";

export interface ReauthenticationOrder {
  readonly impu: string;
  readonly contact: string | undefined;
  /** Undefined: until the end. */
  readonly waitSeconds: number | undefined;
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
export async function askScscf(
  order: ReauthenticationOrder,
  scscf: AdminClient,
  progress: Progress,
): Promise<ReauthenticationView[]> {
  const until = deadline(order, progress.clock);
  const wait = Math.floor(Math.min(QUIET_SECONDS, order.waitSeconds ?? QUIET_SECONDS));
  const { items } = await scscf.post<ReauthenticateAnswer>(
    `${registration(order.impu)}/reauthenticate`,
    wait > 0 ? { wait } : {},
    order.contact === undefined ? undefined : { contact: order.contact },
  );
  return follow(items, until, scscf, progress);
}

/** Figure 5: the P-CSCF asks the S-CSCF; its answer is not the outcome. */
export async function askPcscf(
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
  const answer = await pcscf.post<AskAnswer>(`${registration(order.impu)}/reauthenticate`);
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

function registration(impu: string): string {
  return `/registrations/${encodeURIComponent(impu)}`;
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
