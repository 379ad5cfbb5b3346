// The S-CSCF's store as its settings name it: its own, or the one that a cluster shares.
import { type Clock, nextTurn } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import { redisCluster } from "@ims-lab/common/store/cluster-connection";
import type { SharedRows } from "@ims-lab/common/store/cluster-port";
import { openClusterRows } from "@ims-lab/common/store/cluster-rows";
import { openStore } from "@ims-lab/common/store/open-store";
import type { ScscfConfig } from "../config.ts";
import { SHARED_TABLES, TABLES, type Tables } from "../rows.ts";
import type { Store } from "../store/store.ts";

export interface OpenedStore {
  readonly store: Store;
  /** The same, where it is shared. */
  readonly shared: SharedRows<Tables> | undefined;
}

/** As of a node alone, see `openStore`. */
const PREFIX = "{ims-lab:scscf}:";

/** Throws SettingError when it cannot serve; then nothing of it has changed. */
export async function openUsersStore(
  config: ScscfConfig,
  tools: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
): Promise<OpenedStore> {
  const { cluster, store: url, storePassword: password, sip } = config;
  if (cluster.name === "") {
    const store = await openStore(config, { ...tools, node: "scscf", tables: TABLES });
    return { store, shared: undefined };
  }
  const { host, port = sip.port } = sip.advertise[0] ?? { host: sip.host };
  const address = formatHostPort({ host, port: port || sip.port });
  const shared = await openClusterRows({
    ...tools,
    name: cluster.name,
    label: cluster.node || address,
    address,
    url,
    connect: redisCluster({ url, password }, tools.clock, PREFIX),
    tables: TABLES,
    shared: SHARED_TABLES,
    nextTurn,
  });
  return { store: shared, shared };
}
