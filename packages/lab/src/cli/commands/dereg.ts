// `imslab dereg`: the end of a registration, by the network. TS 24.229 §5.4.1.5.
import { type DeregisterAnswer, deregistrationCauses } from "@ims-lab/common/admin-api/views";
import { type Command, defineCommand, print, registrationPath } from "../command.ts";
import { impuOf, secondsOf, UsageError, word } from "../option-values.ts";

export const dereg: Command = defineCommand({
  name: "dereg",
  help: `  imslab dereg IMPU [--cause expired|deactivated|rejected|probation] [--contact URI]
               [--retry-after SECONDS]
      Ends the registration; deactivated (the default): the device may come back at once.
`,
  options: {
    cause: { type: "string" },
    contact: { type: "string" },
    "retry-after": { type: "string" },
  },
  words: 1,
  read([argument], values) {
    const impu = impuOf(argument, "dereg");
    const { contact } = values;
    const cause = word("--cause", values.cause ?? "deactivated", deregistrationCauses);
    const retryAfterSeconds = secondsOf("--retry-after", values["retry-after"]);
    if (retryAfterSeconds !== undefined && cause !== "probation") {
      throw new UsageError("--retry-after goes with --cause probation only");
    }
    return async (session) => {
      const query = { cause, contact, retryAfterSeconds };
      const answer = await session.scscf.delete<DeregisterAnswer>(registrationPath(impu), query);
      return print(answer, `${impu}: ${cause}: ${answer.contacts.join(", ")}\n`, session);
    };
  },
});
