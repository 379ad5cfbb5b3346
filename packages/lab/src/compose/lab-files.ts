// Files that the containers of docker-compose.yml start from: each node's settings and the users, for one network, with one S-CSCF or two.
import { stringify } from "yaml";
import { homeOf, isShippedHome, movedUsers } from "../launcher/lab-users.ts";
import { parseOptions } from "../launcher/options.ts";
import type { Environment } from "../terminal.ts";

/** Text by file name. */
export type LabFiles = Readonly<Record<string, string>>;

/** Services of docker-compose.yml by their last number in its subnet. */
const SCSCF = 10;
const SCSCF2 = 11;
const REDIS = 40;
const SIP_PORT = 6060;
const REDIS_PORT = 6379;
const STATE = "/var/lib/ims-lab-state";

/**
 * @param folder where the nodes find them @param isCluster two S-CSCFs over one Redis instead of one by itself
 * @throws Error with what a variable must be
 */
export function labFiles(env: Environment, folder: string, isCluster: boolean): LabFiles {
  const home = homeOf(networkOf(env), {});
  const isShipped = isShippedHome(home);
  const at = (host: number): string => `${env["IMSLAB_SUBNET"] || "172.30.99"}.${host}`;
  const shared = isCluster ? { cluster: { name: `scscf.${home.domain}` } } : {};
  const scscfs = isCluster ? [SCSCF, SCSCF2] : [SCSCF];
  const ownStore = isCluster ? `redis://${at(REDIS)}:${REDIS_PORT}` : `sqlite:${STATE}/scscf.db`;
  return {
    ...(!isShipped && { "subscribers.yaml": movedUsers(home) }),
    "scscf.yaml": stringify({
      domain: home.domain,
      ...(!isShipped && { subscribers: `${folder}/subscribers.yaml` }),
      store: env["IMSLAB_SCSCF_STORE"] || ownStore,
      ...shared,
    }),
    "pcscf.yaml": stringify({
      access: { visitedNetworkId: home.domain },
      scscf: scscfs.map((host) => `sip:${at(host)}:${SIP_PORT}`),
      store: env["IMSLAB_PCSCF_STORE"] || `sqlite:${STATE}/pcscf.db`,
      ...shared,
    }),
    "ue.yaml": stringify({
      user: {
        impi: `${home.ueUser}@${home.domain}`,
        impu: `sip:${home.ueUser}@${home.domain}`,
      },
    }),
  };
}

function networkOf({ IMSLAB_MCC, IMSLAB_MNC }: Environment): Parameters<typeof homeOf>[0] {
  const parsed = parseOptions([], { IMSLAB_MCC, IMSLAB_MNC });
  if (parsed.kind === "options") return parsed.options;
  const why = parsed.kind === "refused" ? parsed.reason : "no network";
  throw new Error(why.includes("IMSLAB_") ? why : `IMSLAB_MCC, IMSLAB_MNC: ${why}`);
}
