// The subscribers file's entries: single subscribers and templates, with nobody in it twice.
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import type { Place } from "./checked-yaml.ts";
import { inRange, type SubscriberTemplate } from "./directory.ts";
import { type NumberPattern, parsePattern } from "./number-pattern.ts";
import { type NumberedName, sharedName } from "./pattern-overlap.ts";
import { type CredentialsOf, readCredentials } from "./read-credentials.ts";
import { readOwnPolicy } from "./read-own-policy.ts";
import type { Impu, Subscriber, SubscriberCredentials } from "./subscriber.ts";

export const IDENTITY_KEYS = ["impi", "impus", "auth", "subscription", "policy"] as const;
/** RFC 4282 §2.2: longer network access identifiers do not pass everywhere. */
const LONGEST_IMPI = 253;
const LONGEST_IMPU = 512;
const MOST_IMPUS = 100;
const IMPI = "USER@REALM without spaces and quotes";
const IMPU = `a sip:, sips: or tel: URI, at most ${LONGEST_IMPU} characters`;
const RANGE = "a whole number, 0 to 999999999999";

export interface Entries {
  readonly subscribers: readonly Subscriber[];
  readonly templates: readonly SubscriberTemplate[];
}

export function readEntries(place: Place): Entries {
  const subscribers: Subscriber[] = [];
  const templates: SubscriberTemplate[] = [];
  const seen = new Map<string, string>();
  for (const item of place.items("a list of subscribers") ?? []) {
    const members = item.members([...IDENTITY_KEYS, "template"]);
    if (members === undefined) continue;
    if (members.template.isAbsent) {
      const subscriber = readSubscriber(members, seen, templates);
      if (subscriber !== undefined) subscribers.push(subscriber);
    } else {
      refuseBeside(members);
      const template = readTemplate(members.template, subscribers, templates);
      if (template !== undefined) templates.push(template);
    }
  }
  return { subscribers, templates };
}

export type Identity = Readonly<Record<(typeof IDENTITY_KEYS)[number], Place>>;

function readSubscriber(
  members: Identity,
  seen: Map<string, string>,
  templates: readonly SubscriberTemplate[],
): Subscriber | undefined {
  const subscriber = readRecord(members);
  const impi = members.impi.value;
  if (typeof impi !== "string" || !isImpi(impi)) return undefined;
  const before = seen.get(impi);
  if (before !== undefined) members.impi.refuse(`each impi once, this is ${before}'s`);
  if (templates.some((template) => inRange(template, template.impi.match(impi)) !== undefined))
    members.impi.refuse("an impi that no template makes");
  seen.set(impi, members.impi.path);
  return subscriber;
}

/**
 * One subscriber by itself; who else there is does not matter.
 * @param known credentials that count where none are given
 */
export function readRecord(
  members: Identity,
  known?: SubscriberCredentials,
): Subscriber | undefined {
  const impi = members.impi.text(`${IMPI}, at most ${LONGEST_IMPI} characters`, isImpi);
  const impus = readImpus(members.impus);
  const isKept = members.auth.isAbsent && known !== undefined;
  const auth = isKept ? known : readCredentials(members.auth)?.(0);
  const subscription = readDuty(members.subscription);
  const policy = readOwnPolicy(members.policy);
  if (impi === undefined) return undefined;
  return impus && auth && { impi, impus, auth, ...chosen({ subscription, policy }) };
}

/** What the file says of a subscriber beside identities and keys. */
function chosen({
  subscription,
  policy,
}: Pick<TemplateParts, "subscription" | "policy">): Pick<Subscriber, "subscription" | "policy"> {
  return { ...(subscription && { subscription }), ...(policy && { policy }) };
}

function readDuty(place: Place): Subscriber["subscription"] {
  return place.isAbsent ? undefined : place.oneOf(["enforce", "warn", "optional"]);
}

function isImpi(text: string): boolean {
  if (text.length > LONGEST_IMPI) return false;
  return /^[^@\s"\\]+@[^@\s"\\]+$/.test(text) && /^[\x21-\x7e]+$/.test(text);
}

function readImpus(place: Place): readonly Impu[] | undefined {
  const items = place.items("a list of public identities, the default first");
  if (items === undefined) return undefined;
  const impus = items.flatMap((item) => readImpu(item) ?? []);
  if (items.length === 0) return place.refuse("at least one public identity");
  if (items.length > MOST_IMPUS) return place.refuse(`at most ${MOST_IMPUS} public identities`);
  if (impus.length < items.length) return undefined;
  if (impus[0]?.barred === true) return place.refuse("a default identity that is not barred");
  const aors = new Set(impus.map(({ aor }) => aor));
  return aors.size < impus.length ? place.refuse("each identity once") : impus;
}

function readImpu(place: Place): Impu | undefined {
  if (typeof place.value === "string") return impuOf(place, place.value, false);
  const members = place.members(["uri", "barred"]);
  const uri = members?.uri.text(IMPU, () => true);
  const barred = members?.barred.oneOf(["true", "false"], "false");
  return members && uri !== undefined && barred !== undefined
    ? impuOf(members.uri, uri, barred === "true")
    : undefined;
}

function impuOf(place: Place, uri: string, barred: boolean): Impu | undefined {
  const aor = canonical(uri);
  return aor === undefined ? place.refuse(IMPU) : { uri, aor, barred };
}

function canonical(uri: string): string | undefined {
  if (uri.length > LONGEST_IMPU) return undefined;
  const parsed = parseUri(uri);
  if (parsed === undefined || parsed.scheme === "other") return undefined;
  if (parsed.scheme !== "tel" && parsed.user === undefined) return undefined;
  return aorOf(parsed);
}

function refuseBeside(members: Identity): void {
  for (const key of IDENTITY_KEYS) {
    if (!members[key].isAbsent) members[key].refuse("no such key beside template", "given");
  }
}

function readTemplate(
  place: Place,
  subscribers: readonly Subscriber[],
  templates: readonly SubscriberTemplate[],
): SubscriberTemplate | undefined {
  const members = place.members([...IDENTITY_KEYS, "from", "to"]);
  if (members === undefined) return undefined;
  const from = readNumber(members.from);
  const to = readNumber(members.to);
  const impi = readPattern(members.impi, isImpi, `${IMPI}, with {n} in it`, from);
  const impus = members.impus
    .items("a list of public identities, the default first")
    ?.flatMap(
      (item) =>
        readPattern(item, isCanonical, `${IMPU} in its shortest form, with {n} in it`, from) ?? [],
    );
  const auth = readCredentials(members.auth);
  const subscription = readDuty(members.subscription);
  const policy = readOwnPolicy(members.policy);
  if (from === undefined || to === undefined || impi === undefined) return undefined;
  if (from > to) return members.to.refuse(`a number not below from (${from})`);
  if (impus === undefined || auth === undefined) return undefined;
  if (impus.length === 0) return members.impus.refuse("at least one public identity");
  const template = templateOf({ from, to, impi, impus, auth, subscription, policy });
  const twice = collision(template, subscribers, templates);
  return twice === undefined
    ? template
    : members.impi.refuse("each impi once", `${JSON.stringify(twice)} is there already`);
}

function readNumber(place: Place): number | undefined {
  const text = place.text(RANGE, (written) => /^\d{1,12}$/.test(written));
  return text === undefined ? undefined : Number(text);
}

function readPattern(
  place: Place,
  accepts: (text: string) => boolean,
  allowed: string,
  sample = 0,
): NumberPattern | undefined {
  const pattern = typeof place.value === "string" ? parsePattern(place.value) : undefined;
  if (pattern?.varies === true && accepts(pattern.expand(sample))) return pattern;
  return place.refuse(allowed);
}

function isCanonical(uri: string): boolean {
  return canonical(uri) === uri;
}

interface TemplateParts {
  readonly from: number;
  readonly to: number;
  readonly impi: NumberPattern;
  readonly impus: readonly NumberPattern[];
  readonly auth: CredentialsOf;
  readonly subscription: Subscriber["subscription"];
  readonly policy: Subscriber["policy"];
}

function templateOf(parts: TemplateParts): SubscriberTemplate {
  const { from, to, impi, impus, auth, subscription, policy } = parts;
  return {
    from,
    to,
    impi,
    impus,
    expand: (n) => ({
      impi: impi.expand(n),
      impus: impus.map((impu) => {
        const uri = impu.expand(n);
        return { uri, aor: uri, barred: false };
      }),
      auth: auth(n),
      ...chosen({ subscription, policy }),
    }),
  };
}

/** An IMPI that the new template shares with what was there before; nobody is expanded to find it. */
function collision(
  template: SubscriberTemplate,
  subscribers: readonly Subscriber[],
  templates: readonly SubscriberTemplate[],
): string | undefined {
  const listed = subscribers.find(
    ({ impi }) => inRange(template, template.impi.match(impi)) !== undefined,
  );
  if (listed !== undefined) return listed.impi;
  const named = ({ impi, from, to }: SubscriberTemplate): NumberedName => ({
    pattern: impi,
    from,
    to,
  });
  for (const other of templates) {
    const shared = sharedName(named(template), named(other));
    if (shared !== undefined) return shared;
  }
  return undefined;
}
