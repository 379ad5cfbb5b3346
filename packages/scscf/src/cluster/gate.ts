// The gate of a cluster's node: a request waits until the users that it concerns are served here.

import type { Logger } from "@ims-lab/common/platform/logger";
import { asError } from "@ims-lab/common/platform/thrown";
import type { Incoming, RequestHandler } from "@ims-lab/common/sip/endpoint/endpoint";
import { newResponse } from "@ims-lab/common/sip/message/message";
import { deviceSource, type RequestOrigin } from "../origin.ts";
import type { RefusalLog } from "../refusal-log.ts";
import type { Home } from "../subscribers/identity.ts";
import { concernedSets } from "./concerned-sets.ts";
import type { SharedUsers } from "./shared-users.ts";

export interface GateOptions extends Home {
  readonly users: SharedUsers;
  readonly allowDirect: boolean;
  readonly refusals: RefusalLog;
  readonly log: Logger;
  originOf(incoming: Incoming): RequestOrigin;
}

/** After that a node that was away is back, or others have its users. */
const RETRY_AFTER_SECONDS = "2";

export function gated(options: GateOptions, serve: RequestHandler): RequestHandler {
  const { users, allowDirect, originOf } = options;
  /** INVITEs that wait. */
  const held = new WeakSet<Incoming>();
  return (incoming) => {
    if (incoming.cancels !== undefined && held.delete(incoming.cancels)) {
      incoming.respond(newResponse(incoming.request, 200));
      incoming.cancels.respond(newResponse(incoming.cancels.request, 487));
      return;
    }
    // Strangers move nobody from node to node.
    const mayAsk = allowDirect || originOf(incoming).trusted;
    const sets = mayAsk ? concernedSets(options, incoming.request) : NOBODY;
    if (sets.length === 0 || (users.missing(sets).length === 0 && !users.isDoubtful)) {
      serve(incoming);
      return;
    }
    held.add(incoming);
    users.take(sets, (problem) => {
      if (!held.delete(incoming)) return; // cancelled meanwhile
      if (problem === undefined) served(options, incoming, serve);
      else turnAway(options, incoming, problem);
    });
  };
}

const NOBODY: readonly string[] = [];

/** As the endpoint does, which hears no exception of what is served later: our own fault costs one request. */
function served({ log }: GateOptions, incoming: Incoming, serve: RequestHandler): void {
  try {
    serve(incoming);
  } catch (problem) {
    const { method, callId } = incoming.request;
    const error = asError(problem);
    log.error("request.handler-failed", { endpoint: "scscf", method, callId, error });
    incoming.respond(newResponse(incoming.request, 500));
  }
}

/** RFC 3261 §21.5.4: another node may serve it. */
function turnAway(
  { refusals, originOf }: GateOptions,
  incoming: Incoming,
  { message }: Error,
): void {
  const { method, callId, from } = incoming.request;
  const source = deviceSource(incoming.request, originOf(incoming));
  const fields = { method, status: 503, reason: "not-taken-over", why: message, source };
  refusals.warn("request.refused", { ...fields, impu: from.uriText, callId }, "request-refused");
  const headers = [["Retry-After", RETRY_AFTER_SECONDS]] as const;
  incoming.respond(newResponse(incoming.request, 503, { headers }));
}
