// Faults of what devices are answered: 423, 503, a 200 that lacks something or lists too much. RFC 3261 §10.3, §21.5.4; RFC 3608.
import type { FaultValues, ScscfFaultName } from "@ims-lab/common/admin-api/faults";
import { AnsweredThrough, type IncomingFault } from "@ims-lab/common/faults/message-faults";
import { Contact, Expires } from "@ims-lab/common/sip/message/fields";
import {
  type HeaderValues,
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import { isSip } from "@ims-lab/common/sip/message/uri";
import type { Incoming } from "@ims-lab/common/sip/transaction/user";
import type { ScscfFaultTools } from "./fault-tools.ts";

export function answerFaults(tools: ScscfFaultTools): readonly IncomingFault<ScscfFaultName>[] {
  return [
    unavailable(tools),
    intervalTooBrief(tools),
    spoiltAcceptance(tools, "no-service-route", withoutServiceRoute),
    spoiltAcceptance(tools, "stale-contact", withStaleContact),
    spoiltAcceptance(tools, "short-grant", withShortGrant),
  ];
}

/** The set of a device that asks for itself; undefined: somebody else asks. */
function askingSet({ setNameOf }: ScscfFaultTools, request: SipRequest): string | undefined {
  const set = setNameOf(request.to.uri);
  return setNameOf(request.from.uri) === set ? set : undefined;
}

function unavailable(tools: ScscfFaultTools): IncomingFault<ScscfFaultName> {
  const { switches } = tools;
  const name = "unavailable";
  return {
    name,
    pass(next, incoming) {
      const { request } = incoming;
      const set = askingSet(tools, request);
      const values = set === undefined ? undefined : switches.look(name, set);
      if (set === undefined || values?.["method"] !== request.method) {
        next(incoming);
        return;
      }
      switches.take(name, set);
      answer(tools, incoming, 503, [["Retry-After", String(values["retryAfterSeconds"])]]);
    },
  };
}

function intervalTooBrief(tools: ScscfFaultTools): IncomingFault<ScscfFaultName> {
  const { switches } = tools;
  const name = "interval-too-brief";
  return {
    name,
    pass(next, incoming) {
      const { request } = incoming;
      const set = request.method === "REGISTER" ? askingSet(tools, request) : undefined;
      const values = set === undefined ? undefined : switches.look(name, set);
      const least = Number(values?.["minExpiresSeconds"]);
      const asked = askedSeconds(request);
      if (set === undefined || values === undefined || asked === 0 || asked >= least) {
        next(incoming);
        return;
      }
      switches.take(name, set);
      answer(tools, incoming, 423, [["Min-Expires", String(least)]]);
    },
  };
}

/** RFC 3261 §10.2.1.1: of the first Contact, else of the request; 0 for what names no Contact. */
function askedSeconds(request: SipRequest): number {
  const contact = request.get(Contact);
  if (contact === undefined || contact === "*") return 0;
  const own = contact.params.get("expires");
  return own !== undefined && /^\d{1,10}$/.test(own) ? Number(own) : (request.get(Expires) ?? 3600);
}

function answer(
  { random }: ScscfFaultTools,
  incoming: Incoming,
  status: number,
  headers: HeaderValues,
): void {
  incoming.respond(newResponse(incoming.request, status, { toTag: random.hex(8), headers }));
}

/** @param spoil the 200; undefined: there is nothing in it for this fault */
function spoiltAcceptance(
  tools: ScscfFaultTools,
  name: "no-service-route" | "stale-contact" | "short-grant",
  spoil: (
    response: SipResponse,
    request: SipRequest,
    values: FaultValues,
  ) => SipResponse | undefined,
): IncomingFault<ScscfFaultName> {
  const { switches } = tools;
  return {
    name,
    pass(next, incoming) {
      const { request } = incoming;
      const set = request.method === "REGISTER" ? askingSet(tools, request) : undefined;
      const values = set === undefined ? undefined : switches.look(name, set);
      if (set === undefined || values === undefined) {
        next(incoming);
        return;
      }
      const change = (response: SipResponse): SipResponse => {
        const spoilt = response.status === 200 ? spoil(response, request, values) : undefined;
        if (spoilt === undefined || switches.take(name, set) === undefined) return response;
        return spoilt;
      };
      next(new AnsweredThrough(incoming, change));
    },
  };
}

function withoutServiceRoute(response: SipResponse): SipResponse | undefined {
  return response.has("Service-Route") ? response.clone().remove("Service-Route") : undefined;
}

/** A Contact of the same user at an address of nobody's (RFC 5737), behind those that are bound. */
function withStaleContact(response: SipResponse, request: SipRequest): SipResponse | undefined {
  if (!response.has("Contact")) return undefined;
  const contact = request.get(Contact);
  const user = contact !== undefined && contact !== "*" && isSip(contact.uri) && contact.uri.user;
  const stale = `<sip:${user ? `${user}@` : ""}192.0.2.199:5060>;expires=3599`;
  return response.clone().append("Contact", stale);
}

/** RFC 3261 §10.3 step 8: each Contact says its own time. A 200 that ends bindings grants nothing. */
function withShortGrant(
  response: SipResponse,
  request: SipRequest,
  { seconds }: FaultValues,
): SipResponse | undefined {
  if (askedSeconds(request) === 0 || !response.has("Contact")) return undefined;
  const contacts = response
    .texts("Contact")
    .map((text) =>
      text.replace(/;expires=(\d+)/i, (all, time) =>
        Number(time) > Number(seconds) ? `;expires=${seconds}` : all,
      ),
    );
  return response.clone().set("Contact", contacts.join(", "));
}
