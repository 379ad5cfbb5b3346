// Addresses of everybody in a lab, and the ways between them.
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import type { Direction } from "@ims-lab/common/testing/drop-patterns";

/** Where the CSCFs are, unless a lab is told otherwise. */
export const ACCESS: HostPort = { host: "10.0.0.1", port: 5060 };
export const CORE: HostPort = { host: "10.1.0.1", port: 4060 };
export const SCSCF: HostPort = { host: "10.1.0.2", port: 6060 };

export type Family = "IPv4" | "IPv6";

export interface Addresses {
  readonly access: HostPort;
  readonly core: HostPort;
  readonly scscf: HostPort;
  /** Of the nth device. */
  device(n: number): string;
}

/** The P-CSCF's two sides may be of different families. */
export function addressesOf(access: Family, core: Family): Addresses {
  const v6 = access === "IPv6";
  const [own, serving] = core === "IPv6" ? ["2001:db8:c::1", "2001:db8:c::2"] : [];
  return {
    access: v6 ? { ...ACCESS, host: "2001:db8:a::1" } : ACCESS,
    core: own === undefined ? CORE : { ...CORE, host: own },
    scscf: serving === undefined ? SCSCF : { ...SCSCF, host: serving },
    device: (n) => (v6 ? `2001:db8:b::${n.toString(16)}` : `192.0.2.${n}`),
  };
}

/** A hop of the network that can lose packets. */
export type Way = "UE→P" | "P→UE" | "P→S" | "S→P";

/** All of the access hop has the P-CSCF's access address at one end, whatever UEs there are. */
export function directionOf({ access, scscf }: Addresses, way: Way): Direction {
  switch (way) {
    case "UE→P":
      return { to: { host: access.host } };
    case "P→UE":
      return { from: { host: access.host } };
    case "P→S":
      return { to: { host: scscf.host } };
    case "S→P":
      return { from: { host: scscf.host } };
  }
}
