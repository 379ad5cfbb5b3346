// Problems of requests to be routed and the SIP status of each. TS 24.229 §5.4.3; RFC 3261 §16.3.
import type { Refusal } from "@ims-lab/common/sip/endpoint/endpoint";
import { formatUri, type Uri } from "@ims-lab/common/sip/message/uri";
import { SIPS_NOT_ALLOWED } from "@ims-lab/common/sip/proxy/secured";

export type RoutingProblem =
  | { readonly kind: "untrusted-peer"; readonly detail: string }
  | { readonly kind: "past-pcscf"; readonly detail: string } // a device that has a P-CSCF and does not use it
  | { readonly kind: "not-registered"; readonly detail: string } // the caller is not, or no more
  | { readonly kind: "foreign-identity"; readonly detail: string } // asserts somebody else
  | { readonly kind: "barred-caller"; readonly detail: string }
  | { readonly kind: "no-such-user"; readonly detail: string }
  | { readonly kind: "barred-callee"; readonly detail: string }
  | { readonly kind: "callee-not-registered"; readonly detail: string }
  | { readonly kind: "sips-not-allowed"; readonly detail: string } // only Contacts that are no sips:
  | { readonly kind: "no-route"; readonly detail: string } // a domain that `routes` does not name
  | { readonly kind: "unknown-hop"; readonly detail: string } // a Route that leaves the network we know
  | { readonly kind: "unreachable-uri"; readonly detail: string }
  | { readonly kind: "no-dialog"; readonly detail: string }
  | { readonly kind: "share-used-up"; readonly detail: string } // too much of this user's is pending
  | { readonly kind: "must-reauthenticate"; readonly detail: string }
  | { readonly kind: "proxy"; readonly refusal: Refusal; readonly detail: string };

export function isProblem(value: object): value is RoutingProblem {
  return "detail" in value && "kind" in value;
}

export function noDialog(detail: string): RoutingProblem {
  return { kind: "no-dialog", detail };
}

export function unknownHop(hop: Uri): RoutingProblem {
  const detail = `${formatUri(hop)} is neither in trustedPeers nor in routes`;
  return { kind: "unknown-hop", detail };
}

export function shareUsedUp(holder: string): RoutingProblem {
  return { kind: "share-used-up", detail: `${holder} has its share pending already` };
}

export function refusalFor(problem: RoutingProblem): Refusal {
  switch (problem.kind) {
    case "untrusted-peer": // RFC 3325 §5
    case "past-pcscf":
    case "not-registered": // TS 24.229 §5.4.3.2: the served user is not registered
    case "foreign-identity": // RFC 3325 §5
    case "unknown-hop": // no open relay
    case "barred-caller": // TS 24.229 §5.4.3.2 step 1
      return { status: 403 };
    case "no-such-user": // RFC 3261 §21.4.5
    case "barred-callee": // TS 24.229 §5.4.3.3 step 1: as if there were nobody
    case "no-route": // TS 24.229 §5.4.3.2: nowhere to go
      return { status: 404 };
    case "callee-not-registered": // TS 24.229 §5.4.3.3: no services for the unregistered here
      return { status: 480 };
    case "sips-not-allowed": // RFC 5630 §5.3, §5.4
      return { status: 480, headers: [["Warning", SIPS_NOT_ALLOWED]] };
    case "unreachable-uri": // RFC 3261 §21.4.14
      return { status: 416 };
    case "no-dialog": // RFC 3261 §12.2.2
      return { status: 481 };
    case "share-used-up": // a 503 would say that this node has too much to do
      return { status: 500, headers: [["Retry-After", "5"]] };
    case "must-reauthenticate": // RFC 3261 §20.43, warn-code 399
      return { status: 403, headers: [["Warning", '399 ims-lab "authenticate again first"']] };
    case "proxy":
      return problem.refusal;
  }
}
