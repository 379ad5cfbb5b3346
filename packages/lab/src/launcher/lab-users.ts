// The users' file and the home domain of a run, from options, environment and the shipped file.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imsiOf, LAB_DOMAIN } from "@ims-lab/common/ims/identities";
import type { Environment } from "../terminal.ts";
import { UE_USER } from "./accounts.ts";
import type { LabOptions } from "./options.ts";
import { readSubscribers, SUBSCRIBERS_FILE, type SubscriberEntry } from "./subscribers-file.ts";

export interface LabUsers {
  readonly domain: string;
  /** For the S-CSCF; undefined: its own default. */
  readonly file: string | undefined;
  /** As a person calls it. */
  readonly shownFile: string;
  readonly subscribers: readonly SubscriberEntry[];
  /** The IMSI of the lab's UE. */
  readonly ueUser: string;
  /** Removes what was written for the run. */
  close(): void;
}

/** The home network of a run. */
export type LabHome = Pick<LabUsers, "domain" | "ueUser">;

export function homeOf(
  { plmn, domain }: Pick<LabOptions, "plmn" | "domain">,
  env: Environment,
): LabHome {
  return {
    domain: (domain || env["SCSCF_DOMAIN"] || LAB_DOMAIN).toLowerCase(),
    ueUser: plmn === undefined ? UE_USER : imsiOf(plmn, 1),
  };
}

export function isShippedHome({ domain, ueUser }: LabHome): boolean {
  return domain === LAB_DOMAIN && ueUser === UE_USER;
}

/** The shipped users' file with all of them at another home. */
export function movedUsers({ domain, ueUser }: LabHome): string {
  const shipped = readFileSync(SUBSCRIBERS_FILE, "utf8");
  return shipped.replaceAll(LAB_DOMAIN, domain).replaceAll(UE_USER, ueUser);
}

/** With a domain and no file of one's own, the shipped users move to the domain, and to its network. */
export function labUsers(options: LabOptions, env: Environment): LabUsers {
  const home = homeOf(options, env);
  const { domain, ueUser } = home;
  const given = options.subscribers ?? (env["SCSCF_SUBSCRIBERS"] || undefined);
  if (given !== undefined)
    return {
      domain,
      file: options.subscribers,
      shownFile: given,
      subscribers: readSubscribers(given),
      ueUser,
      close: () => undefined,
    };
  const shownFile = "packages/scscf/subscribers.yaml";
  if (isShippedHome(home)) {
    const subscribers = readSubscribers(SUBSCRIBERS_FILE);
    return { domain, file: undefined, shownFile, subscribers, ueUser, close: () => undefined };
  }
  const folder = mkdtempSync(join(tmpdir(), "ims-lab-"));
  const file = join(folder, "subscribers.yaml");
  writeFileSync(file, movedUsers(home), { mode: 0o600 });
  return {
    domain,
    file,
    shownFile,
    subscribers: readSubscribers(file),
    ueUser,
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
