// Problems of requests in one plain sentence each, for a person who looks into the log or a history.
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { Problem } from "./outcomes.ts";

/** @param accessAt where devices register, for one that took another port */
export function whyRefused(problem: Problem, request: SipRequest, accessAt: string): string {
  switch (problem.kind) {
    case "stranger":
      return "nobody is registered over this address and port (or its registration has ended): REGISTER first, and send from where that came";
    case "untrusted-peer":
      return request.method === "REGISTER"
        ? `it came to the core side: devices register at the access side, ${accessAt}`
        : "it came to the core side from none of its nodes (trustedPeers, or scscf)";
    case "forged-token":
      return "its Route has no token of this dialog and nobody is registered over this address";
    case "foreign-dialog":
      return "it is in a dialog between others";
    case "unknown-dialog":
      return "it is in no dialog that we know: it began before a restart, or elsewhere";
    case "extension":
      return `Require: ${problem.tags.join(", ")} is not supported${isIpsec(problem.tags) ? ": no IPsec here, switch it off in the device or set access.securityAgreement=ignore" : ""}`;
    case "route-mismatch":
      return "its Route is not the Service-Route of its registration (access.routeMismatch)";
    case "malformed":
      return `its ${problem.what} cannot be read: ${problem.why ?? request.text(problem.what) ?? "none"}`;
    case "binding-of-another":
      return "what it registers is bound to another user";
    case "store-failed":
      return "what the S-CSCF has accepted cannot be kept here (see store.failed in the log)";
    case "share-used-up":
      return "too many requests of this user are pending (limits.maxPendingTransactions)";
    case "unknown-token":
      return "it is for a device that is no longer registered here";
    case "flow-lost":
      return "the device's connection is gone";
    case "unknown-hop":
      return "its Route leads out of the core that we know (trustedPeers)";
    case "insecure-flow":
      return "a sips: URI, and the device is not connected by TLS";
    case "nobody-here":
      return `${request.uri} is this node itself, and names nobody`;
    case "method":
      return `${request.method} to this node itself: it takes ${problem.allow}`;
    case "proxy":
      return `no proxy would pass it on: ${problem.refusal.status} ${problem.refusal.reason ?? ""}`.trimEnd();
    case "unreachable-uri":
      return `${request.uri} is no SIP URI, or of a transport that we lack`;
    case "no-invite":
      return "a CANCEL without its INVITE";
    case "too-large":
      return "with what is added here the core would not take it";
    case "core-unavailable":
      return "the core does not take it now";
  }
}

function isIpsec(tags: readonly string[]): boolean {
  return tags.some((tag) => tag.toLowerCase() === "sec-agree");
}
