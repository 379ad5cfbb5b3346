// The users of the shipped subscribers file that the interop tests register: the UE's by AKA, the softphone's by password.
import {
  type AkaAccount,
  type DigestAccount,
  softphoneAccount,
  ueAccount,
} from "../../src/launcher/accounts.ts";
import { readSubscribers, SUBSCRIBERS_FILE } from "../../src/launcher/subscribers-file.ts";

export function shippedAccounts(): {
  aka: AkaAccount & { readonly op: string };
  softphone: DigestAccount;
} {
  const subscribers = readSubscribers(SUBSCRIBERS_FILE);
  const aka = ueAccount(subscribers);
  const softphone = softphoneAccount(
    subscribers.filter(({ impi }) => impi.startsWith("softphone@")),
  );
  if (aka?.op === undefined || softphone === undefined)
    throw new Error(
      `${SUBSCRIBERS_FILE}: without the UE's user and its OP, or without a password user`,
    );
  return { aka: { ...aka, op: aka.op }, softphone };
}
