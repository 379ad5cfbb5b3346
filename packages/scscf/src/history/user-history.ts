// The latest events of each user, of names that nobody has, and of addresses: what `imslab why` prints.
import type { HistoryEventView } from "@ims-lab/common/admin-api/views";
import { boundedKey } from "@ims-lab/common/platform/bounded-key";
import type { Clock } from "@ims-lab/common/platform/clock";
import { EVENTS_KEPT, Histories } from "@ims-lab/common/platform/histories";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import { hostOfPeer } from "@ims-lab/common/sip/transport/transport";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import { type EventKind, isUnproven, wordsFor } from "./event-words.ts";

/** Subscribers with a history; then those quiet longest are forgotten. */
const MOST_USERS = 200_000;
/** Names that nobody has, and addresses, each. */
const MOST_STRANGERS = 1_000;
const LONGEST_DETAIL = 300;

/** Whom a request names, and where it comes from. */
export interface Named {
  readonly impi?: string | undefined;
  /** Canonical (`aorOf`), or as the peer wrote it. */
  readonly impu?: string | undefined;
  readonly source?: string | undefined;
}

export interface History {
  /** Whether a subscriber has this name. */
  readonly isKnown: boolean;
  /** Oldest first. */
  readonly events: readonly HistoryEventView[];
}

export class UserHistory {
  readonly #directory: SubscriberDirectory;
  readonly #users: Histories<EventKind>;
  readonly #strangers: Histories<EventKind>;
  readonly #sources: Histories<EventKind>;

  constructor(directory: SubscriberDirectory, clock: Clock) {
    this.#directory = directory;
    this.#users = new Histories({ clock, maxNames: MOST_USERS, isUnproven });
    this.#strangers = new Histories({ clock, maxNames: MOST_STRANGERS, isUnproven });
    this.#sources = new Histories({ clock, maxNames: MOST_STRANGERS, isUnproven });
  }

  /** @param detail text of our own, or a copy of the peer's */
  note(impi: string, kind: EventKind, detail?: string, source?: string): void {
    this.#users.note(impi, kind, detail, source);
  }

  /** What somebody tried in a user's name, whether there is one or not. */
  tried({ impi, impu, source }: Named, kind: EventKind, why: string): void {
    const detail = kept(why);
    const from = source === undefined ? undefined : kept(source);
    for (const user of this.#usersNamed(impi, impu)) this.#users.note(user, kind, detail, from);
    const isKnown = impi !== undefined && this.#directory.byImpi(impi) !== undefined;
    if (impi !== undefined && !isKnown) this.#strangers.note(keyOf(impi), kind, detail, from);
    if (impu !== undefined && this.#ownersOf(impu).length === 0)
      this.#strangers.note(keyOf(aorIn(impu)), kind, detail, from);
    if (source === undefined) return;
    const who = impi ?? impu;
    const what = who === undefined ? detail : kept(`${who}: ${why}`);
    this.#sources.note(keyOf(hostOfPeer(source)), kind, what, from);
  }

  /** @param identity IMPU or IMPI */
  of(identity: string): History {
    const owners = this.#ownersOf(identity);
    const isKnown = owners.length > 0 || this.#directory.byImpi(identity) !== undefined;
    const impis = owners.length > 0 ? owners : [identity];
    const names = new Set([keyOf(aorIn(identity)), keyOf(identity)]);
    const found = [
      ...impis.flatMap((impi) => this.#users.of(impi)),
      ...[...names].flatMap((name) => this.#strangers.of(name)),
    ];
    return {
      isKnown,
      events: found
        .sort((a, b) => a.at - b.at)
        .slice(-EVENTS_KEPT)
        .map(viewOf),
    };
  }

  /** @param host an address, without port */
  ofSource(host: string): readonly HistoryEventView[] {
    return this.#sources.of(keyOf(host)).map(viewOf);
  }

  #usersNamed(impi: string | undefined, impu: string | undefined): ReadonlySet<string> {
    const users = new Set(impu === undefined ? [] : this.#ownersOf(impu));
    if (impi !== undefined && this.#directory.byImpi(impi) !== undefined) users.add(impi);
    return users;
  }

  #ownersOf(impu: string): readonly string[] {
    const uri = parseUri(impu);
    if (uri === undefined) return [];
    return this.#directory.ownersOf(aorOf(uri)).map(({ impi }) => impi);
  }
}

function viewOf(happened: ReturnType<Histories<EventKind>["of"]>[number]): HistoryEventView {
  const { at, kind, detail, source = null, times } = happened;
  return { at, event: kind, text: wordsFor(kind, detail), source, times };
}

function aorIn(impu: string): string {
  const uri = parseUri(impu);
  return uri === undefined ? impu : aorOf(uri);
}

function keyOf(name: string): string {
  return kept(boundedKey(name));
}

/** A slice would keep the whole message. */
function kept(text: string): string {
  const end = text.length > LONGEST_DETAIL ? `${text.slice(0, LONGEST_DETAIL)}…` : text;
  return Buffer.from(end, "utf8").toString("utf8");
}
