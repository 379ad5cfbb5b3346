// `imslab show`: one user's registration, and what has happened to it.
import type { RegistrationView } from "@ims-lab/common/admin-api/views";
import { printable } from "@ims-lab/common/platform/printable";
import { type Command, defineCommand, print, registrationPath, type Session } from "../command.ts";
import { CommandFailure } from "../exit-codes.ts";
import { faultWarnings } from "../faults.ts";
import { historyOfUser, historyText, type NodeEvent } from "../history.ts";
import { networkWarnings } from "../network-faults.ts";
import { impuOf } from "../option-values.ts";
import { registrationText } from "../views.ts";

export const show: Command = defineCommand({
  name: "show",
  help: "  imslab show IMPU\n",
  options: {},
  words: 1,
  read([argument]) {
    const impu = impuOf(argument, "show");
    return (session) => showUser(impu, session);
  },
});

async function showUser(impu: string, session: Session): Promise<number> {
  const found = await session.scscf.get<RegistrationView>(registrationPath(impu));
  const { events } = await historyOfUser(impu, session).catch(noEvents);
  const faults = [...(await faultWarnings(session)), ...(await networkWarnings(session))];
  const warning = faults.map((line) => `${printable(line)}\n`).join("");
  const text = warning + registrationText(found, session.context.clock.now());
  const past = events.length === 0 ? "" : `\n${historyText(events)}`;
  return print({ ...found, history: events, faults }, text + past, session);
}

/** The registration alone is needed; its history may be missing. */
function noEvents(problem: unknown): { events: readonly NodeEvent[] } {
  if (problem instanceof CommandFailure) return { events: [] };
  throw problem;
}
