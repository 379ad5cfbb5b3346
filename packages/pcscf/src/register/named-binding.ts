// The binding that a REGISTER is about, and the token of its Path. TS 24.229 §5.2.2.1, RFC 3261 §10.3.
import {
  isRemoval,
  MOST_CONTACTS,
  matchContacts,
  type NamedContact,
} from "@ims-lab/common/ims/registered-contacts";
import { type Binding, contactsOf } from "../bindings/binding.ts";
import type { FlowTable } from "../bindings/flow-table.ts";
import type { Tokens } from "../bindings/token.ts";
import type { ReceivedRegister } from "./upstream.ts";

/** The registered binding that it is about. */
export function namedBinding(
  table: FlowTable,
  { aor, flow, named, credentials }: ReceivedRegister,
): Binding | undefined {
  const impi = credentials?.impi;
  if (named.kind === "bind")
    return bindingOfContacts(
      named.contacts,
      impi === undefined ? table.ofImpu(aor) : table.ofImpi(impi),
    );
  const isHis = (binding: Binding): boolean => impi === undefined || binding.impi === impi;
  return table.ofImpu(aor).find((binding) => binding.flow.id === flow.id && isHis(binding));
}

/**
 * The token of a REGISTER that is about no binding here. That of the challenged REGISTER holds on, for the
 * S-CSCF ties the answer to its Path; but no binding of another IMPI. Who gives no IMPI gets a token that no IMPI has.
 */
export function newToken(
  { tokens, table }: { readonly tokens: Tokens; readonly table: FlowTable },
  { aor, device, credentials, challenge }: ReceivedRegister,
): string {
  const impi = credentials?.impi;
  const holder = challenge && table.registered(challenge.token)?.impi;
  const isFree = holder === undefined || impi === undefined || holder === impi;
  if (challenge !== undefined && isFree) return challenge.token;
  const made = (what: string): string =>
    impi === undefined ? tokens.ofBinding("", `${aor} ${what}`) : tokens.ofBinding(impi, what);
  let token = made(device);
  // A binding that took this token for this device, and has another Contact by now, keeps it.
  for (let more = 2; table.registered(token) !== undefined; more++)
    token = made(`${device} ${more}`);
  return token;
}

/** The Contact that a REGISTER is about: position means nothing, what it binds comes before what it ends. */
export function leadingContact(contacts: readonly NamedContact[]): NamedContact | undefined {
  return contacts.find((one) => !isRemoval(one)) ?? contacts[0];
}

/** The binding behind whose Path the Contacts of a REGISTER are, or the device that they name. */
function bindingOfContacts(
  contacts: readonly NamedContact[],
  ofUser: readonly Binding[],
): Binding | undefined {
  if (ofUser.length === 0) return undefined;
  const known = ofUser.flatMap((binding) =>
    contactsOf(binding).map(({ contact, instance }) => ({ contact, instance, binding })),
  );
  const { matches } = matchContacts(contacts.slice(0, MOST_CONTACTS), known);
  const found = matches.filter(({ binding }) => binding !== undefined);
  const arriving = found.find(({ named }) => !isRemoval(named));
  if (arriving !== undefined) return arriving.binding?.binding;
  // Beside a new Contact the one that leaves says nothing of where the new one is.
  return contacts.every(isRemoval) ? found[0]?.binding?.binding : undefined;
}
