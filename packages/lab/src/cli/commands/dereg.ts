// `imslab dereg`: the end of a registration, by the network. TS 24.229 §5.4.1.5.
import { type DeregisterAnswer, deregistrationCauses } from "@ims-lab/common/admin-api/views";
import { type Command, defineCommand, print, registrationPath } from "../command.ts";
import { impuOf, secondsOf, UsageError, word } from "../option-values.ts";
import { deregisterAll } from "./dereg-all.ts";

export const dereg: Command = defineCommand({
  name: "dereg",
  help: `  imslab dereg IMPU [--cause expired|deactivated|rejected|probation] [--contact URI]
               [--retry-after SECONDS]
      Ends the registration; deactivated (the default): the device may come back at once.
  imslab dereg --all [--pace N] [--yes] [--cause CAUSE] [--retry-after SECONDS]
      Everybody's, N devices a second (10); asks first, unless --yes. Ctrl-C stops, and says how many.
`,
  options: {
    cause: { type: "string" },
    contact: { type: "string" },
    "retry-after": { type: "string" },
    all: { type: "boolean" },
    pace: { type: "string" },
    yes: { type: "boolean" },
  },
  words: 1,
  read([argument], values) {
    const { contact, all, pace, yes } = values;
    const cause = word("--cause", values.cause ?? "deactivated", deregistrationCauses);
    const retryAfterSeconds = secondsOf("--retry-after", values["retry-after"]);
    if (retryAfterSeconds !== undefined && cause !== "probation") {
      throw new UsageError("--retry-after goes with --cause probation only");
    }
    if (all === true) {
      const one = argument ?? (contact === undefined ? undefined : "--contact");
      if (one !== undefined) throw new UsageError(`--all means everybody: leave ${one} out`);
      const perSecond = paceOf(pace ?? "10");
      const order = { cause, retryAfterSeconds, perSecond, isConfirmed: yes === true };
      return (session) => deregisterAll(order, session);
    }
    const misplaced = pace === undefined ? (yes === true ? "--yes" : undefined) : "--pace";
    if (misplaced !== undefined) throw new UsageError(`${misplaced} goes with --all only`);
    const impu = impuOf(argument, "dereg");
    return async (session) => {
      const query = { cause, contact, retryAfterSeconds };
      const answer = await session.scscf.delete<DeregisterAnswer>(registrationPath(impu), query);
      return print(answer, `${impu}: ${cause}: ${answer.contacts.join(", ")}\n`, session);
    };
  },
});

function paceOf(written: string): number {
  const pace = /^\d{1,5}(\.\d{1,3})?$/.test(written) ? Number(written) : 0;
  if (pace > 0 && pace <= 10_000) return pace;
  throw new UsageError(`--pace: "${written}" is no number of devices a second, at most 10000`);
}
