// `imslab wait`: polling until a user is registered, or has authenticated anew.
import type { RegistrationView } from "@ims-lab/common/admin-api/views";
import { printable } from "@ims-lab/common/platform/printable";
import type { AdminClient } from "../admin-client.ts";
import { type Command, defineCommand, print, progressing, registrationPath } from "../command.ts";
import { CommandFailure, EXIT } from "../exit-codes.ts";
import { impuOf, secondsOf, UsageError } from "../option-values.ts";
import { type Progress, pause } from "../progress.ts";

const WAIT_SECONDS = 60;

export const wait: Command = defineCommand({
  name: "wait",
  help: `  imslab wait IMPU [--registered|--authenticated] [--timeout SECONDS]
      Until the user is registered (the default), or has authenticated anew; 60 s at most.
`,
  options: {
    registered: { type: "boolean" },
    authenticated: { type: "boolean" },
    timeout: { type: "string" },
  },
  words: 1,
  read([argument], { registered, authenticated, timeout }) {
    const impu = impuOf(argument, "wait");
    if (registered === true && authenticated === true)
      throw new UsageError("--registered or --authenticated, not both");
    const until = authenticated === true ? "authenticated" : "registered";
    const timeoutSeconds = secondsOf("--timeout", timeout) ?? WAIT_SECONDS;
    return async (session) => {
      const found = await progressing(session, (progress) =>
        awaitUser({ impu, until, timeoutSeconds }, session.scscf, progress),
      );
      const verb = until === "registered" ? "is registered" : "has authenticated";
      return print(found, `${printable(impu)} ${verb}\n`, session);
    };
  },
});

interface AwaitedUser {
  readonly impu: string;
  readonly until: "registered" | "authenticated";
  readonly timeoutSeconds: number;
}

const POLL_MS = 100;

/** `authenticated`: later than at the first look, by the node's own times; no two clocks are compared. */
async function awaitUser(
  { impu, until, timeoutSeconds }: AwaitedUser,
  scscf: AdminClient,
  { clock, show }: Progress,
): Promise<RegistrationView> {
  const path = registrationPath(impu);
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
