// What became of a subscription, and what it has told, for the log and for people.
import type { Ending } from "@ims-lab/common/sip/event/subscriber-state";
import type { RegistrationInput } from "../registration/state.ts";

export function inWords({ why }: Ending): string {
  switch (why.kind) {
    case "refused":
      return `SUBSCRIBE answered ${why.status}`;
    case "terminated":
      return `terminated: ${why.reason ?? "no reason"}`;
    case "unreachable":
      return `SUBSCRIBE not answered: ${why.failure}`;
    case "no-notify":
    case "expired":
    case "left":
      return why.kind;
  }
}

export function saidInWords(said: RegistrationInput | undefined): string | undefined {
  if (said?.kind === "triggered") return "shortened";
  return said?.kind === "contact-ended" ? said.event : undefined;
}
