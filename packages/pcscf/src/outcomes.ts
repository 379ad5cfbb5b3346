// Problems of requests and the SIP status of each: the one place where they meet.
import type { Refusal } from "@ims-lab/common/sip/endpoint/endpoint";
import { SIPS_NOT_ALLOWED } from "@ims-lab/common/sip/proxy/secured";

export type Problem =
  | { readonly kind: "stranger" } // nobody registered over this flow
  | { readonly kind: "untrusted-peer" } // on the core side, not one of trustedPeers
  | { readonly kind: "forged-token" } // a Record-Route of ours that we did not make for this dialog
  | { readonly kind: "foreign-dialog" } // between others, whatever the sender knows of it
  | { readonly kind: "unknown-dialog" } // such a Record-Route from a peer we know: made before a restart
  | { readonly kind: "extension"; readonly tags: readonly string[] }
  | { readonly kind: "binding-of-another" } // what the S-CSCF took would change whose binding it is
  | { readonly kind: "route-mismatch" }
  | { readonly kind: "malformed"; readonly what: string; readonly why?: string }
  | { readonly kind: "unknown-token" }
  | { readonly kind: "flow-lost" }
  | { readonly kind: "unknown-hop" } // a Route within a dialog that leaves the core we know
  | { readonly kind: "insecure-flow" } // a sips: URI, and the UE is not connected by TLS
  | { readonly kind: "nobody-here" } // addressed to us, names nothing we have
  | { readonly kind: "method"; readonly allow: string }
  | { readonly kind: "proxy"; readonly refusal: Refusal } // any proxy would refuse it
  | { readonly kind: "unreachable-uri" }
  | { readonly kind: "no-invite" }
  | { readonly kind: "share-used-up"; readonly retryAfter: string } // too much of this user's is pending
  | { readonly kind: "too-large" } // with what is added here the core would not take it
  | { readonly kind: "store-failed" } // what was accepted cannot be kept
  | { readonly kind: "core-unavailable"; readonly retryAfter: string };

export function refusalOf(problem: Problem): Refusal {
  switch (problem.kind) {
    case "stranger": // TS 24.229 §5.2.6.3.2A (older releases): 403
    case "untrusted-peer": // RFC 3325 §5: not in our trust domain
    case "forged-token": // RFC 5626 §5.3.1
    case "foreign-dialog": // TS 24.229 §5.2.6.3: the originator is not involved in the dialog
    case "binding-of-another": // TS 24.229 §5.2.2.1: bound to the IMPI that authenticated, and to it alone
    case "unknown-hop": // TS 24.229 §5.2.6.3.5: not the Route of this dialog
      return { status: 403 };
    case "extension": // RFC 3261 §16.3 step 5; RFC 3329 §2.3.1
      return { status: 420, headers: [["Unsupported", problem.tags.join(", ")]] };
    case "route-mismatch": // TS 24.229 §5.2.6.3.2, option a
      return { status: 400, reason: "Route Does Not Match Service-Route" };
    case "malformed": // RFC 3261 §16.3 step 1
      return { status: 400, reason: `Malformed ${problem.what}` };
    case "unknown-token": // RFC 3261 §21.4.18
      return { status: 480 };
    case "flow-lost": // RFC 5626 §5.3.1
      return { status: 430, reason: "Flow Failed" };
    case "insecure-flow": // RFC 5630 §5.3, §5.4
      return { status: 480, headers: [["Warning", SIPS_NOT_ALLOWED]] };
    case "nobody-here": // RFC 3261 §8.2.2.1
      return { status: 404 };
    case "method": // RFC 3261 §8.2.1
      return { status: 405, headers: [["Allow", problem.allow]] };
    case "proxy": // RFC 3261 §16.3
      return problem.refusal;
    case "unreachable-uri": // RFC 3261 §16.5: no SIP URI, or a transport we lack
      return { status: 416 };
    case "no-invite": // RFC 3261 §9.2
    case "unknown-dialog": // RFC 3261 §12.2.2: ends the usage at both ends (RFC 6665 §4.2.2), 403 would not
      return { status: 481 };
    case "share-used-up": // RFC 3261 §21.5.4: for him alone
      return { status: 503, headers: [["Retry-After", problem.retryAfter]] };
    case "too-large": // RFC 3261 §21.5.7
      return { status: 513 };
    case "store-failed": // RFC 3261 §21.5.1
      return { status: 500, headers: [["Retry-After", "5"]] };
    case "core-unavailable": // RFC 3261 §16.7 step 6: a 503 is not passed on
      return { status: 500, headers: [["Retry-After", problem.retryAfter]] };
  }
}
