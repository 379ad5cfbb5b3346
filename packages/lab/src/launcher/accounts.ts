// The shipped subscribers, as the lab's own UE and as account lines for other programs.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export const SUBSCRIBERS_FILE: string = fileURLToPath(
  new URL("../../../scscf/subscribers.yaml", import.meta.url),
);

interface Subscriber {
  readonly impi?: string;
  readonly impus?: readonly (string | { readonly uri: string })[];
  readonly auth?: {
    readonly scheme: string;
    readonly k?: string;
    readonly op?: string;
    readonly amf?: string;
    readonly password?: string;
  };
  readonly subscription?: string;
}

export interface Account {
  readonly impi: string;
  readonly impu: string;
  readonly domain: string;
}
export interface AkaAccount extends Account {
  readonly k: string;
  readonly op: string;
  readonly amf: string;
}
export interface DigestAccount extends Account {
  readonly password: string;
}

/** The first AKA user is the lab's UE; the first that need not subscribe is for softphones. */
export function shippedAccounts(): { aka: AkaAccount; softphone: DigestAccount } {
  const file = parse(readFileSync(SUBSCRIBERS_FILE, "utf8")) as { subscribers: Subscriber[] };
  const aka = file.subscribers.find(({ auth }) => auth?.scheme === "aka" && auth.op !== undefined);
  const softphone = file.subscribers.find(({ subscription }) => subscription === "optional");
  const { k, op, amf = "8000" } = aka?.auth ?? {};
  const password = softphone?.auth?.password;
  if (k === undefined || op === undefined || password === undefined)
    throw new Error(`${SUBSCRIBERS_FILE}: no AKA user with K and OP, or no optional digest user`);
  return {
    aka: { ...identities(aka), k, op, amf },
    softphone: { ...identities(softphone), password },
  };
}

function identities({ impi = "", impus = [] }: Partial<Subscriber> = {}): Account {
  const [first = ""] = impus;
  const impu = typeof first === "string" ? first : first.uri;
  return { impi, impu, domain: impi.slice(impi.indexOf("@") + 1) };
}

/** What a person types to point another program at this lab. */
export function accountLines(pcscf: { host: string; port: number }): string[] {
  const { aka, softphone } = shippedAccounts();
  const at = `${pcscf.host}:${pcscf.port}`;
  const user = softphone.impu.replace(/^sip:/, "");
  return [
    `baresip   <sip:${user};transport=udp>;auth_user=${softphone.impi};auth_pass=${softphone.password};outbound="sip:${at}";regint=300`,
    `linphone  username ${user.split("@")[0]}, userid ${softphone.impi}, domain ${softphone.domain}, password ${softphone.password}, proxy sip:${at}`,
    `SIPp      [authentication username=${aka.impi} aka_K=0x${aka.k} aka_OP=0x${aka.op} aka_AMF=0x${aka.amf}] to ${at}, -auth_uri ${aka.domain}`,
  ];
}
