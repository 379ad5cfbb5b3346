// `imslab register`: an order to the lab's UEs to register now, and their answers.
import { printable } from "@ims-lab/common/platform/printable";
import type { AdminClient } from "../admin-client.ts";
import { type Command, defineCommand, print, progressing } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { type Progress, pause } from "../progress.ts";

export const register: Command = defineCommand({
  name: "register",
  help: `  imslab register [USER]
      Has the lab's UE (all of them, or this IMPU or IMPI) register now, and waits for its answer.
`,
  options: {},
  words: 1,
  read:
    ([identity]) =>
    async (session) => {
      const ues = await progressing(session, (progress) =>
        registerUes(identity, session.ue, progress),
      );
      const text = ues.map((one) => printable(registerLine(one).trimEnd())).join("\n");
      print({ items: ues, total: ues.length }, `${text}\n`, session);
      return ues.every(isRegistered) ? EXIT.done : EXIT.unknown;
    },
});

/** The part of a UE's `GET /state` that is looked at. */
interface UeRegistration {
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
/** States in which an answer is still to come. */
const UNDER_WAY: ReadonlySet<string> = new Set(["registering", "refreshing", "deregistering"]);

/** Has the lab's UEs register; gives them when each has an answer. */
async function registerUes(
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

function isRegistered({ registration }: UeRegistration): boolean {
  return registration.state === "registered";
}

function registerLine({ impu, registration }: UeRegistration): string {
  const { state, why, lastFailure } = registration;
  const reason = state === "registered" ? null : (lastFailure ?? why);
  return `${impu}: ${state}${reason === null ? "" : `: ${reason}`}\n`;
}
