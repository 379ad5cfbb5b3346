// A store that is away for a while: nobody is kept waiting, nothing acknowledged is lost, and service resumes by itself.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Attempt } from "./newcomer.ts";
import type { KilledNode } from "./nodes.ts";
import type { PromisedRegistration } from "./promises.ts";
import type { RedisServer } from "./redis-server.ts";

export type OutageKind = "stopped" | "killed";

export interface OutageOptions {
  readonly clock: Clock;
  readonly redis: RedisServer;
  readonly seconds: number;
  /** The next new user tries to register. */
  register(): Promise<Attempt>;
  /** Events of a node's log since the last time. */
  eventsOf(node: KilledNode): readonly string[];
  /** What an S-CSCF cannot do it says before it comes to the store. */
  readonly isCluster: boolean;
  /** Nodes with a row in this store. */
  readonly nodes: readonly KilledNode[];
}

export interface Outage {
  readonly refused: number;
  /** How long until somebody has registered again, milliseconds. */
  readonly resumedAfter: number;
  readonly registrations: readonly PromisedRegistration[];
  readonly broken: readonly string[];
}

/** Redis is taken for away after two seconds; then nobody waits for it. */
const FIRST_ANSWER_MS = 2500;
/** A cluster's request waits three seconds for its users. */
const FIRST_OF_CLUSTER_MS = 3500;
const ANSWER_MS = 1000;
const BETWEEN_MS = 250;
/** Until service has to be there again. */
const RESUMES_WITHIN_MS = 10_000;

/** Takes Redis away and brings it back, while new users try to register. */
export async function outage(kind: OutageKind, options: OutageOptions): Promise<Outage> {
  const { clock, redis, eventsOf, nodes, isCluster } = options;
  for (const node of nodes) eventsOf(node);
  if (kind === "stopped") redis.pause();
  else await redis.kill();
  const away = await whileAway(kind, options);
  if (kind === "stopped") redis.resume();
  else await redis.start();
  const back = await untilServed(options);
  await pause(clock, 2 * BETWEEN_MS);
  const said = nodes.flatMap((node) => unsaid(node, eventsOf(node), isCluster));
  return { ...back, refused: away.tries, broken: [...away.broken, ...back.broken, ...said] };
}

async function whileAway(
  kind: OutageKind,
  { clock, seconds, register, isCluster }: OutageOptions,
): Promise<{ readonly tries: number; readonly broken: readonly string[] }> {
  const broken: string[] = [];
  const begin = clock.now();
  let tries = 0;
  while (clock.now() < begin + seconds * 1000) {
    const since = clock.now() - begin;
    const attempt = await register();
    const why = wrongIn(attempt, since, isCluster ? FIRST_OF_CLUSTER_MS : FIRST_ANSWER_MS);
    if (why !== undefined)
      broken.push(`${attempt.registration.impu}, ${since} ms after Redis was ${kind}: ${why}`);
    tries += 1;
    await pause(clock, BETWEEN_MS);
  }
  return { tries, broken };
}

function wrongIn(
  { status, milliseconds }: Attempt,
  since: number,
  firstMs: number,
): string | undefined {
  if (status !== 500 && status !== 503) return `${status ?? "no answer"} in place of 500 or 503`;
  const limit = since < firstMs ? firstMs : ANSWER_MS;
  return milliseconds > limit ? `kept waiting for ${milliseconds} ms` : undefined;
}

async function untilServed({ clock, register }: OutageOptions): Promise<Omit<Outage, "refused">> {
  const back = clock.now();
  while (clock.now() < back + RESUMES_WITHIN_MS) {
    const { status, registration } = await register();
    const resumedAfter = clock.now() - back;
    if (status === 200) return { resumedAfter, registrations: [registration], broken: [] };
    await pause(clock, BETWEEN_MS);
  }
  const broken = [`no service ${RESUMES_WITHIN_MS} ms after Redis was back`];
  return { resumedAfter: RESUMES_WITHIN_MS, registrations: [], broken };
}

/**
 * Two lines an outage, however many commits failed in it; none where there was nothing to keep, as at a P-CSCF whose S-CSCF
 * refuses. An S-CSCF of a cluster that nobody has asked for anything since has no commit that could have succeeded.
 */
function unsaid(
  node: KilledNode,
  events: readonly string[],
  isCluster: boolean,
): readonly string[] {
  const [failed = 0, resumed = 0] = ["store.failed", "store.resumed"].map(
    (event) => events.filter((each) => each === event).length,
  );
  const isOneOfTwo = isCluster && node !== "pcscf";
  const isSaid = isOneOfTwo
    ? failed <= 1 && resumed <= failed
    : failed === resumed && (failed === 1 || (failed === 0 && node === "pcscf"));
  return isSaid ? [] : [`${node}: ${failed} times store.failed, ${resumed} times store.resumed`];
}

function pause(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => void clock.after(milliseconds, resolve));
}
