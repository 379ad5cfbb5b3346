// One subscriber in the body of a request: the same members and rules as an entry of the subscribers file.
import { Place, type Yaml } from "../subscribers/checked-yaml.ts";
import { IDENTITY_KEYS, readRecord } from "../subscribers/read-subscribers.ts";
import type { Subscriber } from "../subscribers/subscriber.ts";

/** Deeper than any entry. */
const DEEPEST = 6;

/**
 * @param impi the one that the request names
 * @param before what is known of it: its credentials count where the body has none
 * @returns the subscriber, or what is wrong with the body, a line each
 */
export function readSubscriberBody(
  impi: string,
  body: unknown,
  before: Subscriber | undefined,
): Subscriber | readonly string[] {
  const problems: string[] = [];
  const given = textOnly(body, DEEPEST);
  const isMapping = typeof given === "object" && !Array.isArray(given);
  const record = isMapping ? { impi, ...(given as { readonly [key: string]: Yaml }) } : given;
  const members = new Place((path) => path, "", record, problems).members(IDENTITY_KEYS);
  if (members === undefined) return problems;
  if (members.impi.value !== impi) members.impi.refuse(`${impi}, which the request is about`);
  const subscriber = readRecord(members, before?.auth);
  return subscriber === undefined || problems.length > 0 ? problems : subscriber;
}

/** Scalars as the file has them: text. What is null is not there. */
function textOnly(value: unknown, deepest: number): Yaml | undefined {
  if (value === null || value === undefined || deepest === 0) return undefined;
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map((item) => textOnly(item, deepest - 1) ?? "");
  const members = Object.entries(value).flatMap(([key, member]) => {
    const text = textOnly(member, deepest - 1);
    return text === undefined ? [] : [[key, text] as const];
  });
  return Object.fromEntries(members);
}
