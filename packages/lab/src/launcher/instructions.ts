// Instructions for a running lab: addresses, accounts, commands to type.
import { isLoopback, isWildcard } from "@ims-lab/common/platform/ip-address";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import { type AkaAccount, accountLines } from "./accounts.ts";
import type { LabUsers } from "./lab-users.ts";
import { LAB_HOST, type LabPorts } from "./node-environments.ts";
import type { LabOptions } from "./options.ts";
import type { SubscriberEntry } from "./subscribers-file.ts";

export interface InstructionLine {
  readonly text: string;
  /** Not wrapped, however long it is: it is there to be copied. */
  readonly isCopied: boolean;
}

export interface LabOverview {
  readonly ports: LabPorts;
  readonly options: LabOptions;
  readonly subscribers: readonly SubscriberEntry[];
  readonly domain: string;
  readonly ue: AkaAccount | undefined;
  readonly ueUser: string;
  /** Of this machine. */
  readonly addresses: readonly string[];
}

export function instructions(lab: LabOverview): readonly InstructionLine[] {
  const { ports, options, subscribers, domain, ue, ueUser } = lab;
  const said = (text: string): InstructionLine => ({ text, isCopied: false });
  const copied = (text: string): InstructionLine => ({ text: `  ${text}`, isCopied: true });
  const host = reachableAt(lab);
  const at = { host, port: ports.access };
  const user = ue?.impu ?? subscribers[0]?.impus[0] ?? `sip:USER@${domain}`;
  const urls = urlOptions(options, ports);
  const accounts = accountLines(subscribers, domain, at, ueUser);
  return [
    said(`Point a device at the P-CSCF, sip:${formatHostPort(at)} (UDP or TCP). Accounts:`),
    ...accounts.map(([program, line]) => copied(`${program.padEnd(9)} ${line}`)),
    ...(isLoopback(host)
      ? [said("For a device on another machine: npm start -- --host ADDRESS.")]
      : []),
    said("Make a user authenticate again, from the S-CSCF or from the P-CSCF:"),
    copied(`npm run imslab -- reauth ${user}${urls}`),
    copied(`npm run imslab -- reauth --from pcscf ${user}${urls}`),
    said("HTTP, each with /openapi.json:"),
    said(`  S-CSCF http://${LAB_HOST}:${ports.scscfHttp}`),
    said(`  P-CSCF http://${LAB_HOST}:${ports.pcscfHttp}`),
    ...(ue === undefined ? [] : [said(`  UE     http://${LAB_HOST}:${ports.ueHttp}`)]),
    said(""),
  ];
}

/** Why there are no figures. */
export function withoutUe({
  shownFile,
  domain,
  ueUser,
}: Pick<LabUsers, "shownFile" | "domain" | "ueUser">): string {
  return `The figures need the user ${ueUser}@${domain} with K and OP (or OPc), whom ${shownFile} does not have: the lab goes on without its UE and without them.`;
}

/** The address for devices. */
function reachableAt({ options: { host, advertise }, addresses }: LabOverview): string {
  if (advertise !== undefined) return advertise;
  if (!isWildcard(host)) return host;
  const family = addresses.filter((a) => a.includes(":") === host.includes(":"));
  const outward = family.find((a) => !isLoopback(a) && !/^fe80:/i.test(a));
  return outward ?? (host.includes(":") ? "::1" : LAB_HOST);
}

/** The options of `imslab` for nodes that are not at its default URLs. */
function urlOptions({ portOffset }: LabOptions, { scscfHttp, pcscfHttp }: LabPorts): string {
  if (portOffset === 0) return "";
  return ` --url http://${LAB_HOST}:${scscfHttp} --pcscf-url http://${LAB_HOST}:${pcscfHttp}`;
}
