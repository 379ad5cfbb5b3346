// Short names for the users of the subscribers file: the same for all of a user's identities.
import { aorOf, parseUri, unescapedUser } from "@ims-lab/common/sip/message/uri";
import type { SubscriberEntry } from "./subscribers-file.ts";

export class UserNames {
  readonly #names = new Map<string, string>();

  constructor(subscribers: readonly SubscriberEntry[]) {
    for (const { impi, impus } of subscribers) {
      const users = impus.flatMap((uri) => userOf(uri) ?? []);
      // An IMSI is no name if there is another.
      const name = users.find((user) => !/^\+?\d+$/.test(user)) ?? users[0] ?? impi;
      for (const identity of [...impus.flatMap((uri) => keyOf(uri) ?? []), impi])
        if (!this.#names.has(identity)) this.#names.set(identity, name);
    }
  }

  /** Of an IMPU or IMPI; for a user who is not in the file, the user part. */
  nameOf(identity: string): string | undefined {
    return this.known(identity) ?? userOf(identity);
  }

  /** Undefined when the file has no user with this IMPU, IMPI or name. */
  known(identity: string): string | undefined {
    const found = this.#names.get(keyOf(identity) ?? identity) ?? this.#names.get(identity);
    return found ?? [...this.#names.values()].find((name) => name === identity);
  }
}

function keyOf(uri: string): string | undefined {
  const parsed = parseUri(uri);
  return parsed === undefined || parsed.scheme === "other" ? undefined : aorOf(parsed);
}

function userOf(uri: string): string | undefined {
  const parsed = parseUri(uri);
  if (parsed === undefined) return undefined;
  switch (parsed.scheme) {
    case "sip":
    case "sips":
      return parsed.user === undefined ? undefined : unescapedUser(parsed);
    case "tel":
      return parsed.number;
    case "other":
      return undefined;
  }
}
