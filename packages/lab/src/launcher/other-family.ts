// Devices that speak the other IP version to the P-CSCF's port: nobody of the lab hears them, so somebody says it.
import { isLoopback } from "@ims-lab/common/platform/ip-address";
import { noticeKnocks } from "@ims-lab/common/sip/transport/knocks";
import { formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";

/** Where the others knock: on loopback only when the lab is there. */
function otherHost(host: string): string {
  const isSix = host.includes(":");
  if (isLoopback(host)) return isSix ? "127.0.0.1" : "::1";
  return isSix ? "0.0.0.0" : "::";
}

/** @returns what ends it */
export function listenToOtherFamily(
  access: HostPort,
  onKnock: (from: string, at: string) => void,
): () => void {
  const other = { host: otherHost(access.host), port: access.port };
  return noticeKnocks(other, (from) => onKnock(from, formatHostPort(other)));
}
