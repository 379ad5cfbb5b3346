// `imslab reauth`: asks the S-CSCF (or the P-CSCF, which asks the S-CSCF) and follows it to its end.
import type {
  AskAnswer,
  Page,
  ReauthenticateAnswer,
  ReauthenticationView,
} from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import { type AdminClient, CommandFailure } from "./admin-client.ts";
import { EXIT } from "./exit-codes.ts";
import { timeLeft } from "./table.ts";

export interface Asked {
  readonly impu: string;
  readonly contact: string | undefined;
  /** Undefined: until the end. */
  readonly waitSeconds: number | undefined;
}

interface Following {
  readonly scscf: AdminClient;
  readonly clock: Clock;
  /** One line for a person who waits. */
  progress(line: string): void;
}

/** Waits up to here are silent, and left to the node, which answers at the very end. */
const QUIET_SECONDS = 2;
const POLL_MS = 250;
/** How long the P-CSCF's request may take to show at the S-CSCF. */
const ARRIVAL_MS = 5_000;

/** Figure 2: the S-CSCF asks the UE. */
export async function askScscf(
  asked: Asked,
  following: Following,
): Promise<ReauthenticationView[]> {
  const until = deadline(asked, following.clock);
  const wait = Math.floor(Math.min(QUIET_SECONDS, asked.waitSeconds ?? QUIET_SECONDS));
  const { items } = await following.scscf.post<ReauthenticateAnswer>(
    `${registration(asked.impu)}/reauthenticate`,
    wait > 0 ? { wait } : {},
    asked.contact === undefined ? undefined : { contact: asked.contact },
  );
  return follow(items, until, following);
}

/** Figure 5: the P-CSCF asks the S-CSCF; its answer says nothing of the outcome. */
export async function askPcscf(
  asked: Asked,
  pcscf: AdminClient,
  following: Following,
): Promise<readonly ReauthenticationView[] | AskAnswer> {
  const { scscf, clock } = following;
  const list = (): Promise<Page<ReauthenticationView>> =>
    scscf.all("/reauthentications", { impu: asked.impu });
  const watched = asked.waitSeconds !== 0;
  const earlier = watched ? (await list()).items : [];
  const over = new Set(earlier.filter(({ end }) => end !== null).map(({ id }) => id));
  const until = deadline(asked, clock);
  const answer = await pcscf.post<AskAnswer>(`${registration(asked.impu)}/reauthenticate`);
  if (!watched) return answer;
  const arrival = Math.min(until, clock.now() + ARRIVAL_MS);
  for (;;) {
    // All times are the S-CSCF's own, of one that was over before we could look, too.
    const { items } = await list();
    const found = items.filter(({ id }) => !over.has(id));
    if (found.length > 0) return follow(found, until, following);
    if (clock.now() >= arrival) {
      throw new CommandFailure(
        EXIT.unknown,
        "the P-CSCF has asked, but the S-CSCF has not started a re-authentication: is it subscribed there (profile seed)?",
      );
    }
    await pause(clock);
  }
}

function registration(impu: string): string {
  return `/registrations/${encodeURIComponent(impu)}`;
}

function deadline({ waitSeconds }: Asked, clock: Clock): number {
  return waitSeconds === undefined ? Number.POSITIVE_INFINITY : clock.now() + waitSeconds * 1000;
}

async function follow(
  items: readonly ReauthenticationView[],
  until: number,
  { scscf, clock, progress }: Following,
): Promise<ReauthenticationView[]> {
  let last = "";
  let current = [...items];
  for (;;) {
    const running = current.filter(({ end }) => end === null);
    if (running.length === 0 || clock.now() >= until) return current;
    const line = running.map((one) => waitingFor(one, clock.now())).join("; ");
    if (line !== last) progress(line);
    last = line;
    await pause(clock);
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

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(POLL_MS, resolve);
  });
}
