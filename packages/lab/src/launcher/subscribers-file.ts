// The launcher's reading of the subscribers file; the S-CSCF alone reports what is wrong with it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export const SUBSCRIBERS_FILE: string = fileURLToPath(
  new URL("../../../scscf/subscribers.yaml", import.meta.url),
);

export interface SubscriberEntry {
  readonly impi: string;
  readonly impus: readonly string[];
  readonly auth: {
    readonly scheme: string;
    readonly k?: string;
    readonly op?: string;
    readonly opc?: string;
    readonly amf?: string;
    readonly password?: string;
  };
  readonly subscription: string | undefined;
}

type Written = Readonly<Record<string, unknown>>;

/** No users when the file cannot be read; of a template its first user. */
export function readSubscribers(path: string): readonly SubscriberEntry[] {
  let file: unknown;
  try {
    file = parse(readFileSync(path, "utf8"), { schema: "failsafe", logLevel: "silent" });
  } catch {
    return [];
  }
  const { subscribers } = mapping(file);
  return Array.isArray(subscribers) ? subscribers.flatMap((one) => entryOf(mapping(one))) : [];
}

function entryOf(written: Written): readonly SubscriberEntry[] {
  if (written["template"] !== undefined) {
    const { from, to: _, ...template } = mapping(written["template"]);
    const text = JSON.stringify(template).replaceAll("{n}", String(from));
    return entryOf(mapping(JSON.parse(text)));
  }
  const { impi, impus, auth, subscription } = written;
  if (typeof impi !== "string") return [];
  const uris = Array.isArray(impus) ? impus.map((impu) => uriOf(impu)) : [];
  return [
    {
      impi,
      impus: uris.filter((uri) => uri !== ""),
      auth: { scheme: "", ...mapping(auth) } as SubscriberEntry["auth"],
      subscription: typeof subscription === "string" ? subscription : undefined,
    },
  ];
}

function uriOf(impu: unknown): string {
  return typeof impu === "string" ? impu : String(mapping(impu)["uri"] ?? "");
}

function mapping(value: unknown): Written {
  return typeof value === "object" && value !== null ? (value as Written) : {};
}
