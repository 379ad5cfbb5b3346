// The options of `imslab` and their values: words, seconds, URLs.
/** A command line that cannot be obeyed; the message says what to write. */
export class UsageError extends Error {}

export const OPTIONS = {
  help: { type: "boolean", short: "h" },
  json: { type: "boolean" },
  url: { type: "string" },
  "pcscf-url": { type: "string" },
  "ue-url": { type: "string" },
  seconds: { type: "string" },
  token: { type: "string" },
  "token-file": { type: "string" },
  from: { type: "string" },
  wait: { type: "string" },
  contact: { type: "string" },
  cause: { type: "string" },
  "retry-after": { type: "string" },
  registered: { type: "boolean" },
  authenticated: { type: "boolean" },
  timeout: { type: "string" },
} as const;

export type Option = keyof typeof OPTIONS;
export type Values = { readonly [O in Option]?: string | boolean };

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

export function secondsOf(
  option: string,
  written: string | boolean | undefined,
): number | undefined {
  if (written === undefined) return undefined;
  if (!/^\d{1,9}(\.\d+)?$/.test(String(written))) {
    throw new UsageError(`${option}: "${written}" is no number of seconds`);
  }
  return Number(written);
}

export function text(written: string | boolean | undefined): string | undefined {
  return typeof written === "string" ? written : undefined;
}

export function urlOf(option: string, written: string): string {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${option}: "${written}" is no URL such as http://127.0.0.1:9062`);
  }
  return url.href.replace(/\/+$/, "");
}
