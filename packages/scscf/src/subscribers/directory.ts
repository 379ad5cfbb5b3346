// Directory of subscribers by private and public identity. Templates expand when asked, never ahead.
import type { NumberPattern } from "./number-pattern.ts";
import type { Impu, Subscriber } from "./subscriber.ts";

/** Many subscribers that differ in a number. */
export interface SubscriberTemplate {
  readonly from: number;
  readonly to: number;
  readonly impi: NumberPattern;
  /** Canonical forms, each with the number in it. */
  readonly impus: readonly NumberPattern[];
  /** Makes the n-th; `n` is within `from` and `to`. */
  expand(n: number): Subscriber;
}

export interface SubscriberDirectory {
  /** How many private identities there are. */
  readonly size: number;
  /** Whether anybody has rules of his own (`policy`). */
  readonly hasOwnRules: boolean;
  byImpi(impi: string): Subscriber | undefined;
  /** `aor`: in the form of `aorOf`. More than one when an identity is shared. */
  ownersOf(aor: string): readonly Subscriber[];
  /** The public identities that register together, the default first; none for a stranger. */
  implicitSet(impi: string): readonly Impu[];
  /** In the file's order, what was added later behind it. */
  list(offset: number, limit: number): readonly Subscriber[];
}

/** The subscribers of the file, which does not change while the node runs. */
export interface FileDirectory extends SubscriberDirectory {
  /** Where `list` has this private identity; undefined for a stranger. */
  positionOf(impi: string): number | undefined;
}

export function subscriberDirectory(
  subscribers: readonly Subscriber[],
  templates: readonly SubscriberTemplate[],
): FileDirectory {
  const byImpi = new Map(subscribers.map((subscriber) => [subscriber.impi, subscriber]));
  const byAor = new Map<string, Subscriber[]>();
  for (const subscriber of subscribers) {
    for (const { aor } of subscriber.impus) {
      const owners = byAor.get(aor);
      if (owners === undefined) byAor.set(aor, [subscriber]);
      else owners.push(subscriber);
    }
  }
  const find = (impi: string): Subscriber | undefined =>
    byImpi.get(impi) ?? lastOf(templates, impi) ?? expandFirst(templates, impi);

  let positions: ReadonlyMap<string, number> | undefined;
  return {
    positionOf(impi) {
      positions ??= new Map(subscribers.map((subscriber, at) => [subscriber.impi, at]));
      return positions.get(impi) ?? positionInTemplates(templates, impi, subscribers.length);
    },
    size: templates.reduce((sum, { from, to }) => sum + to - from + 1, subscribers.length),
    hasOwnRules:
      subscribers.some(({ policy }) => policy !== undefined) ||
      templates.some((template) => template.expand(template.from).policy !== undefined),
    byImpi: find,
    ownersOf(aor) {
      let owners: readonly Subscriber[] = byAor.get(aor) ?? NOBODY;
      for (const template of templates) {
        const owner = templateOwner(template, aor);
        if (owner !== undefined) owners = owners.length === 0 ? [owner] : [...owners, owner];
      }
      return owners;
    },
    implicitSet: (impi) => find(impi)?.impus ?? [],
    list: (offset, limit) => page(subscribers, templates, offset, limit),
  };
}

const NOBODY: readonly Subscriber[] = [];

function templateOwner(template: SubscriberTemplate, aor: string): Subscriber | undefined {
  for (const impu of template.impus) {
    const n = inRange(template, impu.match(aor));
    if (n !== undefined) return expandOnce(template, n);
  }
  return undefined;
}

/** A request asks several times for the subscriber it is about. */
function expandOnce(template: SubscriberTemplate, n: number): Subscriber {
  if (last?.template !== template || last.n !== n) {
    last = { template, n, subscriber: template.expand(n) };
  }
  return last.subscriber;
}
let last: { template: SubscriberTemplate; n: number; subscriber: Subscriber } | undefined;

/** The one that was expanded last, if that is who is asked for. Of the first template: no other one comes before it. */
function lastOf([first]: readonly SubscriberTemplate[], impi: string): Subscriber | undefined {
  return last?.template === first && last?.subscriber.impi === impi ? last.subscriber : undefined;
}

function expandFirst(
  templates: readonly SubscriberTemplate[],
  impi: string,
): Subscriber | undefined {
  for (const template of templates) {
    const n = inRange(template, template.impi.match(impi));
    if (n !== undefined) return expandOnce(template, n);
  }
  return undefined;
}

function positionInTemplates(
  templates: readonly SubscriberTemplate[],
  impi: string,
  before: number,
): number | undefined {
  let at = before;
  for (const template of templates) {
    const n = inRange(template, template.impi.match(impi));
    if (n !== undefined) return at + n - template.from;
    at += template.to - template.from + 1;
  }
  return undefined;
}

export function inRange(
  template: { readonly from: number; readonly to: number },
  n: number | undefined,
): number | undefined {
  return n !== undefined && n >= template.from && n <= template.to ? n : undefined;
}

function page(
  subscribers: readonly Subscriber[],
  templates: readonly SubscriberTemplate[],
  offset: number,
  limit: number,
): readonly Subscriber[] {
  const found = subscribers.slice(offset, offset + limit);
  let before = subscribers.length;
  for (const template of templates) {
    const first = template.from + Math.max(0, offset - before);
    for (let n = first; n <= template.to && found.length < limit; n++)
      found.push(template.expand(n));
    before += template.to - template.from + 1;
  }
  return found;
}
