// The `auth` mapping of a subscriber: what it may hold and what comes of it.
import { deriveOpc } from "@ims-lab/common/ims/milenage";
import { Secret } from "@ims-lab/common/platform/secret";
import { akaAlgorithm } from "@ims-lab/common/sip/auth/aka";
import { type DigestAlgorithm, digestAlgorithm } from "@ims-lab/common/sip/auth/digest";
import type { Place } from "./checked-yaml.ts";
import { type NumberPattern, parsePattern } from "./number-pattern.ts";
import type { AkaCredentials, SubscriberCredentials } from "./subscriber.ts";

const KEYS = ["scheme", "algorithm", "algorithms", "k", "op", "opc", "amf", "password"] as const;
type Members = Readonly<Record<(typeof KEYS)[number], Place>>;

const LONGEST_PASSWORD = 1000;

/** Credentials, of which a template's password may depend on the number. */
export type CredentialsOf = (n: number) => SubscriberCredentials;

export function readCredentials(place: Place): CredentialsOf | undefined {
  const members = place.members(KEYS);
  if (members === undefined) return undefined;
  switch (members.scheme.oneOf(["aka", "digest"])) {
    case "aka":
      return readAka(place, members);
    case "digest":
      return readPassword(members);
    case undefined:
      return undefined;
  }
}

function readAka(place: Place, members: Members): CredentialsOf | undefined {
  refuseOthers(members, ["algorithms", "password"], "no such key with scheme aka");
  const token = members.algorithm.text(
    "AKAv1-MD5 | AKAv2-MD5 | AKAv2-SHA-256",
    (text) => akaAlgorithm(text) !== undefined,
    "AKAv1-MD5",
  );
  const amf = members.amf.text("4 hexadecimal digits", (text) => isHex(text, 2), "8000");
  const k = readKey(members.k);
  const opKey = readOperatorKey(place, members);
  const algorithm = akaAlgorithm(token ?? "");
  if (k === undefined || opKey === undefined || amf === undefined || algorithm === undefined)
    return undefined;
  const credentials: AkaCredentials = {
    scheme: "aka",
    algorithm,
    k: new Secret(k),
    amf: Buffer.from(amf, "hex"),
    ...(opKey.isOp
      ? {
          op: new Secret(opKey.octets),
          opc: new Secret(deriveOpc(k, opKey.octets)),
        }
      : { opc: new Secret(opKey.octets) }),
  };
  return () => credentials;
}

function readOperatorKey(
  place: Place,
  { op, opc }: Members,
): { readonly octets: Buffer; readonly isOp: boolean } | undefined {
  if (op.isAbsent === opc.isAbsent)
    return place.refuse("either op or opc", op.isAbsent ? "neither op nor opc" : "both op and opc");
  const octets = readKey(op.isAbsent ? opc : op);
  return octets && { octets, isOp: opc.isAbsent };
}

function readKey(place: Place): Buffer | undefined {
  const { value } = place;
  if (typeof value === "string" && isHex(value, 16)) return Buffer.from(value, "hex");
  return place.refuseSecret("32 hexadecimal digits");
}

function isHex(text: string, octets: number): boolean {
  return text.length === 2 * octets && /^[0-9a-fA-F]+$/.test(text);
}

function readPassword(members: Members): CredentialsOf | undefined {
  refuseOthers(members, ["algorithm", "k", "op", "opc", "amf"], "no such key with scheme digest");
  const algorithms = readAlgorithms(members.algorithms);
  const { value } = members.password;
  const isPassword = typeof value === "string" && value !== "" && value.length <= LONGEST_PASSWORD;
  const pattern = isPassword ? passwordPattern(value) : undefined;
  if (pattern === undefined)
    return members.password.refuseSecret(
      `a password of at most ${LONGEST_PASSWORD} characters, {n} in it only as a template's number`,
    );
  if (algorithms === undefined) return undefined;
  const of = (text: string): SubscriberCredentials => ({
    scheme: "digest",
    algorithms,
    password: new Secret(Buffer.from(text, "utf8")),
  });
  if (typeof pattern === "string") {
    const credentials = of(pattern);
    return () => credentials;
  }
  return (n) => of(pattern.expand(n));
}

/** Braces alone are a password like any other. */
function passwordPattern(text: string): NumberPattern | string | undefined {
  return /\{n(:\d+)?\}/.test(text) ? parsePattern(text) : text;
}

function readAlgorithms(place: Place): readonly DigestAlgorithm[] | undefined {
  if (place.isAbsent) return ["MD5"];
  const allowed = "MD5, SHA-256, SHA-512-256 or one of them with -sess";
  const items = place.items(`a list of ${allowed}`);
  if (items === undefined) return undefined;
  const found = items.flatMap((item) => {
    const token = item.text(allowed, (text) => digestAlgorithm(text) !== undefined);
    return digestAlgorithm(token ?? "") ?? [];
  });
  if (items.length === 0 || new Set(found).size < found.length)
    return place.refuse("at least one algorithm, each once");
  return found;
}

function refuseOthers(members: Members, keys: readonly (keyof Members)[], allowed: string): void {
  for (const key of keys) {
    if (!members[key].isAbsent) members[key].refuse(allowed, "given");
  }
}
