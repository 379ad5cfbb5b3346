// `imslab wait` and `imslab register`: polling until a user is registered or has authenticated.
import type { RegistrationView } from "@ims-lab/common/admin-api/views";
import type { AdminClient } from "./admin-client.ts";
import { CommandFailure, EXIT } from "./exit-codes.ts";
import { type Progress, pause } from "./progress.ts";

export interface AwaitedUser {
  readonly impu: string;
  readonly until: "registered" | "authenticated";
  readonly timeoutSeconds: number;
}

/** The part of a UE's `GET /state` that is looked at. */
export interface UeRegistration {
  readonly impi: string;
  readonly impu: string;
  readonly registration: {
    readonly state: string;
    readonly why: string | null;
    readonly lastFailure: string | null;
  };
}

const POLL_MS = 100;
/** Timer F and a try: by then a UE has an answer or none. */
const REGISTER_SECONDS = 40;

/** `authenticated`: later than at the first look, by the node's own times; no two clocks are compared. */
export async function awaitUser(
  { impu, until, timeoutSeconds }: AwaitedUser,
  scscf: AdminClient,
  { clock, show }: Progress,
): Promise<RegistrationView> {
  const path = `/registrations/${encodeURIComponent(impu)}`;
  const end = clock.now() + timeoutSeconds * 1000;
  const before = await scscf.get<RegistrationView>(path);
  const earlier = new Map(before.bindings.map(({ id, authenticatedAt }) => [id, authenticatedAt]));
  const isDone = ({ state, bindings }: RegistrationView): boolean =>
    until === "registered"
      ? state === "registered"
      : bindings.some(({ id, authenticatedAt }) => authenticatedAt !== (earlier.get(id) ?? null));
  for (let now = before; ; now = await scscf.get<RegistrationView>(path)) {
    if (isDone(now)) return now;
    if (clock.now() >= end) throw tooLate(now, until, timeoutSeconds);
    show(`waiting for ${impu}: ${now.state}`);
    await pause(clock, POLL_MS);
  }
}

function tooLate(now: RegistrationView, until: string, seconds: number): CommandFailure {
  const { impu, state } = now;
  if (state === "not-registered")
    return new CommandFailure(EXIT.notRegistered, `not registered: ${impu}, for ${seconds} s`);
  return new CommandFailure(EXIT.unknown, `${impu} was not ${until} within ${seconds} s`);
}

/** Has the lab's UEs register; gives them when each has an answer. */
export async function registerUes(
  identity: string | undefined,
  ue: AdminClient,
  { clock, show }: Progress,
): Promise<readonly UeRegistration[]> {
  const asked = await ue.post<{ readonly items: readonly UeRegistration[] }>(
    "/register",
    {},
    identity === undefined ? undefined : { identity },
  );
  const meant = new Set(asked.items.map(({ impi }) => impi));
  const end = clock.now() + REGISTER_SECONDS * 1000;
  for (;;) {
    const { items } = await ue.all<UeRegistration>("/state");
    const own = items.filter(({ impi }) => meant.has(impi));
    const pending = own.filter(({ registration }) => UNDER_WAY.has(registration.state));
    if (pending.length === 0 || clock.now() >= end) return own;
    show(`waiting for ${pending.map(({ impu }) => impu).join(", ")}`);
    await pause(clock, POLL_MS);
  }
}

const UNDER_WAY: ReadonlySet<string> = new Set(["registering", "refreshing", "deregistering"]);

export function isRegistered({ registration }: UeRegistration): boolean {
  return registration.state === "registered";
}

export function registerLine({ impu, registration }: UeRegistration): string {
  const { state, why, lastFailure } = registration;
  const reason = state === "registered" ? null : (lastFailure ?? why);
  return `${impu}: ${state}${reason === null ? "" : `: ${reason}`}\n`;
}
