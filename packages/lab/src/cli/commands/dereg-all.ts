// `imslab dereg --all`: everybody is de-registered at a pace, as long as this command runs.
import type { DeregistrationProgress } from "@ims-lab/common/admin-api/deregistration-views";
import type { OperatorCause, Page, RegistrationView } from "@ims-lab/common/admin-api/views";
import { print, progressing, type Session } from "../command.ts";
import { CommandFailure, EXIT } from "../exit-codes.ts";
import { UsageError } from "../option-values.ts";
import { SseReader } from "../sse-reader.ts";

export interface DeregisterAllOrder {
  readonly cause: OperatorCause;
  readonly retryAfterSeconds: number | undefined;
  /** Devices a second. */
  readonly perSecond: number;
  /** Nobody is asked whether this is meant. */
  readonly isConfirmed: boolean;
}

export async function deregisterAll(order: DeregisterAllOrder, session: Session): Promise<number> {
  const { scscf, context } = session;
  const { total } = await scscf.get<Page<RegistrationView>>("/registrations", { limit: 1 });
  if (!order.isConfirmed && !(await isMeant(order, total, session))) {
    context.stderr.write("imslab: nobody was de-registered\n");
    return EXIT.unknown;
  }
  const { cause, perSecond, retryAfterSeconds } = order;
  const body = { cause, perSecond, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  const stopping = context.interruption?.() ?? new AbortController().signal;
  const last = await follow(body, stopping, session);
  print(last, `${wordsOf(last)}\n`, session);
  if (stopping.aborted) return EXIT.interrupted;
  if (last.isOver) return EXIT.done;
  throw new CommandFailure(EXIT.unknown, "the S-CSCF has ended it: not all are de-registered");
}

async function isMeant(
  { cause, perSecond }: DeregisterAllOrder,
  users: number,
  { context }: Session,
): Promise<boolean> {
  if (context.question === undefined)
    throw new UsageError("dereg --all asks first: add --yes where there is no terminal");
  const whom = `${users} registered user${users === 1 ? "" : "s"}`;
  const asked = `De-register all (${whom}), ${perSecond} devices a second, cause ${cause}? [y/N] `;
  return /^y(es)?$/i.test((await context.question(asked)).trim());
}

/** What was known last. */
async function follow(
  body: object,
  signal: AbortSignal,
  session: Session,
): Promise<DeregistrationProgress> {
  const reader = new SseReader();
  let last: DeregistrationProgress = NOTHING_YET;
  await progressing(session, async ({ show }) => {
    try {
      for await (const piece of session.scscf.streamOf("/deregistrations", body, signal))
        for (const { data } of reader.take(piece)) {
          last = JSON.parse(data) as DeregistrationProgress;
          show(`${last.deregistered} of ${last.total} devices de-registered (Ctrl-C stops)`);
        }
    } catch (problem) {
      // Broken off in the middle: what has been done is told all the same.
      if (!signal.aborted && last === NOTHING_YET) throw problem;
    }
  });
  return last;
}

const NOTHING_YET: DeregistrationProgress = {
  total: 0,
  deregistered: 0,
  told: 0,
  gone: 0,
  isOver: false,
};

function wordsOf({ total, deregistered, told, gone, isOver }: DeregistrationProgress): string {
  const untold = deregistered - told;
  const parts = [`${told} told by NOTIFY`, `${untold} had not subscribed`];
  if (gone > 0) parts.push(`${gone} had gone before`);
  const least = isOver ? "" : "stopped: at least ";
  return `${least}${deregistered} of ${total} devices de-registered: ${parts.join(", ")}`;
}
