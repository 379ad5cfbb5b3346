// Refusals and unreadable messages at this node by user name and by address: its part of what `imslab why` prints.
import type { HistoryEventView } from "@ims-lab/common/admin-api/views";
import { boundedKey } from "@ims-lab/common/platform/bounded-key";
import type { Clock } from "@ims-lab/common/platform/clock";
import { EVENTS_KEPT, Histories } from "@ims-lab/common/platform/histories";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import { hostOfPeer } from "@ims-lab/common/sip/transport/transport";

const WORDS = {
  refused: "refused before the S-CSCF saw it",
  unreadable: "a message that cannot be read",
  "answered-by-core": "the core's answer",
  gone: "binding over",
} as const;

export type AccessEvent = keyof typeof WORDS;

/** Names, and addresses, each; those quiet longest are forgotten. */
const MOST = 2_000;
const LONGEST_DETAIL = 300;

export interface HistoryNames {
  readonly impi?: string | undefined;
  readonly impu?: string | undefined;
  readonly source?: string | undefined;
}

export class AccessHistory {
  readonly #names: Histories<AccessEvent>;
  readonly #sources: Histories<AccessEvent>;

  constructor(clock: Clock) {
    const isUnproven = (kind: AccessEvent): boolean => kind !== "gone";
    this.#names = new Histories({ clock, maxNames: MOST, isUnproven });
    this.#sources = new Histories({ clock, maxNames: MOST, isUnproven });
  }

  note({ impi, impu, source }: HistoryNames, kind: AccessEvent, why: string): void {
    const from = source === undefined ? undefined : kept(source);
    const detail = kept(why);
    const names = new Set<string>();
    if (impi !== undefined) names.add(keyOf(impi));
    if (impu !== undefined) names.add(keyOf(impu));
    for (const name of names) this.#names.note(name, kind, detail, from);
    if (source === undefined) return;
    const who = impi ?? impu;
    const what = who === undefined ? detail : kept(`${who}: ${why}`);
    this.#sources.note(kept(hostOfPeer(source)), kind, what, from);
  }

  /** @param name IMPU or IMPI; oldest first */
  of(name: string): readonly HistoryEventView[] {
    return this.#names.of(keyOf(name)).slice(-EVENTS_KEPT).map(viewOf);
  }

  /** @param host an address, without port */
  ofSource(host: string): readonly HistoryEventView[] {
    return this.#sources.of(host).map(viewOf);
  }
}

function viewOf(happened: ReturnType<Histories<AccessEvent>["of"]>[number]): HistoryEventView {
  const { at, kind, detail, source = null, times } = happened;
  const text = detail === undefined ? WORDS[kind] : `${WORDS[kind]}: ${detail}`;
  return { at, event: kind, text, source, times };
}

function keyOf(name: string): string {
  const uri = parseUri(name);
  return kept(boundedKey(uri === undefined ? name : aorOf(uri)));
}

/** A slice would keep the whole message. */
function kept(text: string): string {
  const end = text.length > LONGEST_DETAIL ? `${text.slice(0, LONGEST_DETAIL)}…` : text;
  return Buffer.from(end, "utf8").toString("utf8");
}
