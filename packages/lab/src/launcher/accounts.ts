// Users of the subscribers file as the lab's own UE and as account lines for other programs.
import { formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";
import type { SubscriberEntry } from "./subscribers-file.ts";

export interface Account {
  readonly impi: string;
  readonly impu: string;
  readonly domain: string;
}
export interface AkaAccount extends Account {
  readonly k: string;
  readonly op: string | undefined;
  readonly opc: string | undefined;
  readonly amf: string;
}
export interface DigestAccount extends Account {
  readonly password: string;
}

/** The user of the lab's UE, at whatever domain; with a network of one's own, that network's first. */
export const UE_USER = "001010000000001";

/** The lab's UE, when the file has its user; no other user is taken, since that may be a device's. */
export function ueAccount(
  subscribers: readonly SubscriberEntry[],
  ueUser: string = UE_USER,
): AkaAccount | undefined {
  const of = (imsi: string): SubscriberEntry | undefined =>
    subscribers.find(({ impi }) => impi.startsWith(`${imsi}@`));
  const user = of(ueUser) ?? of(UE_USER);
  return user === undefined ? undefined : akaOf(user);
}

/** The user for softphones: the first with a password that need not subscribe, else the first with a password. */
export function softphoneAccount(
  subscribers: readonly SubscriberEntry[],
): DigestAccount | undefined {
  const digest = subscribers.filter(({ auth }) => auth.password !== undefined);
  const user = digest.find(({ subscription }) => subscription === "optional") ?? digest[0];
  const password = user?.auth.password;
  return user === undefined || password === undefined
    ? undefined
    : { ...identities(user), password };
}

function akaOf(user: SubscriberEntry): AkaAccount | undefined {
  const { scheme, k, op, opc, amf = "8000" } = user.auth;
  if (scheme !== "aka" || k === undefined || (op ?? opc) === undefined) return undefined;
  return { ...identities(user), k, op, opc, amf };
}

function identities({ impi, impus }: SubscriberEntry): Account {
  return { impi, impu: impus[0] ?? "", domain: impi.slice(impi.indexOf("@") + 1) };
}

/** What a person types to point another program at this lab: the program's name, and its line. */
export function accountLines(
  subscribers: readonly SubscriberEntry[],
  domain: string,
  pcscf: HostPort,
  ueUser: string = UE_USER,
): readonly (readonly [program: string, line: string])[] {
  const at = formatHostPort(pcscf);
  const softphone = softphoneAccount(subscribers);
  const aka = ueAccount(subscribers, ueUser) ?? subscribers.flatMap((user) => akaOf(user) ?? [])[0];
  return [
    ...(softphone === undefined ? [] : softphoneLines(softphone, domain, at)),
    ...(aka === undefined ? [] : sippLines(aka, domain, at)),
  ];
}

function softphoneLines(
  { impi, impu, password }: DigestAccount,
  domain: string,
  at: string,
): [string, string][] {
  const uri = impu.replace(/^sips?:/, "");
  const user = uri.split("@")[0] ?? uri;
  return [
    ["any", `user ${user}, authentication user ${impi}, password ${password}`],
    ["", `domain ${domain}, outbound proxy sip:${at}`],
    [
      "baresip",
      `<sip:${uri};transport=udp>;auth_user=${impi};auth_pass=${password};outbound="sip:${at}";regint=300`,
    ],
    [
      "linphone",
      `username ${user}, userid ${impi}, domain ${domain}, password ${password}, reg_proxy and reg_route (outbound proxy) sip:${at}, sip_port=-1`,
    ],
  ];
}

/** SIPp knows OP, not OPc. */
function sippLines(
  { impi, k, op, amf }: AkaAccount,
  domain: string,
  at: string,
): [string, string][] {
  if (op === undefined) return [];
  const keys = `aka_K=0x${k} aka_OP=0x${op} aka_AMF=0x${amf}`;
  return [["SIPp", `[authentication username=${impi} ${keys}] to ${at}, -auth_uri ${domain}`]];
}
