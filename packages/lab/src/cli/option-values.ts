// Values of `imslab`'s arguments and options: words, seconds, URLs, identities, the node meant.
import { timeOfIso } from "@ims-lab/common/platform/clock";

/** A command line that cannot be obeyed; the message says what to write. */
export class UsageError extends Error {}

/** The node whose view is shown, or that asks. */
export type Side = "scscf" | "pcscf";

export function word<const W extends string>(
  option: string,
  written: string,
  words: readonly W[],
): W {
  const found = words.find((one) => one === written);
  if (found === undefined) {
    throw new UsageError(`${option}: "${written}" is none of ${words.join(", ")}`);
  }
  return found;
}

export function secondsOf(option: string, written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  if (!/^\d{1,9}(\.\d+)?$/.test(written)) {
    throw new UsageError(`${option}: "${written}" is no number of seconds`);
  }
  return Number(written);
}

/** A number that is not negative, such as 12.5; its limits are the node's to say. */
export function countOf(option: string, written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(written)) {
    throw new UsageError(`${option}: "${written}" is no number`);
  }
  return Number(written);
}

/** A moment as milliseconds since the epoch: `15m` ago (s, m, h, d), a date with its time, or milliseconds. */
export function momentOf(
  option: string,
  written: string | undefined,
  now: number,
): number | undefined {
  if (written === undefined) return undefined;
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(written) ?? [];
  if (unit !== undefined) return Math.floor(now - Number(count) * (UNIT_MS[unit] ?? 0));
  if (/^\d{1,15}$/.test(written)) return Number(written);
  const moment = timeOfIso(written);
  if (moment === undefined)
    throw new UsageError(`${option}: "${written}" is no time such as 15m or 2026-11-28T14:00:00Z`);
  return moment;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** @param where option or variable that it stands in */
export function urlOf(where: string, written: string): string {
  const url = URL.parse(written);
  if (url !== null && url.username + url.password !== "")
    throw new UsageError(`${where}: a URL without user and password: a token is --token's`);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search + url.hash !== "")
    throw new UsageError(`${where}: "${written}" is no URL such as http://127.0.0.1:9062`);
  return url.href.replace(/\/+$/, "");
}

/** A bearer token, RFC 6750 §2.1; a wrong one is not shown. @param where option, variable or file that it stands in */
export function tokenOf(where: string, written: string): string {
  if (/^[\x21-\x7e]+$/.test(written)) return written;
  throw new UsageError(`${where}: no token: one word of visible ASCII characters`);
}

/** @param command its name, for the hint */
export function impuOf(argument: string | undefined, command: string): string {
  if (argument === undefined) {
    throw new UsageError(`say whom: imslab ${command} sip:alice@DOMAIN (imslab list shows all)`);
  }
  if (!/^(sips?|tel):./i.test(argument)) {
    throw new UsageError(`"${argument}" is no IMPU: it begins with sip: or tel:`);
  }
  return argument;
}

/** One of the lab's UEs, that is to do something. @param command its name, for the hint */
export function ueOf(argument: string | undefined, command: string): string {
  if (argument !== undefined) return argument;
  throw new UsageError(`say who: imslab ${command} sip:alice@DOMAIN sip:bob@DOMAIN`);
}

export function sideOf(written: string | undefined): Side {
  return word("--from", written ?? "scscf", ["scscf", "pcscf"]);
}
