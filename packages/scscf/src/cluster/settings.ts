// Settings of a cluster: S-CSCFs that share their users in one Redis or Valkey.

import { isHost } from "@ims-lab/common/platform/cidr";
import type { Impossible } from "@ims-lab/common/platform/config";
import { type SchemaOf, textThat } from "@ims-lab/common/platform/settings";
import { isRedisUrl } from "@ims-lab/common/store/open-store";

export interface ClusterSettings {
  /** Host that all of its nodes put into their URIs, in lower case; empty: this S-CSCF is alone. */
  readonly name: string;
  /** How this node is called among them; empty: by its SIP address. */
  readonly node: string;
}

const DIGITS_AND_DOTS = /^[\d.]+$/;
const NODE_NAME = /^[\w.:[\]-]{1,64}$/;

const nameSetting = textThat({
  doc: "Host name that all S-CSCFs of a cluster put into their URIs; empty: this one is alone.",
  allowed: "a host name, or nothing",
  accepts: (name) =>
    name === "" || (isHost(name) && !name.includes(":") && !DIGITS_AND_DOTS.test(name)),
  default: "",
});

export const clusterSettings: SchemaOf<ClusterSettings> = {
  name: {
    ...nameSetting,
    read: (written) => {
      const read = nameSetting.read(written);
      return read && { value: read.value.toLowerCase() }; // as hosts are compared (RFC 3261 §19.1.4)
    },
  },
  node: textThat({
    doc: "What this node is called within its cluster; empty: its SIP address.",
    allowed: "at most 64 letters, digits and . _ : [ ] -",
    accepts: (node) => node === "" || NODE_NAME.test(node),
    default: "",
  }),
};

export function impossibleCluster(
  { name, node }: ClusterSettings,
  store: string,
): readonly Impossible[] {
  if (name !== "" && !isRedisUrl(store)) {
    const allowed = `nothing, or store redis://HOST, where its nodes share their users; it is ${store}`;
    return [{ key: "cluster.name", allowed }];
  }
  if (name === "" && node !== "") {
    return [{ key: "cluster.node", allowed: "nothing without cluster.name" }];
  }
  return [];
}
