// Requests of UEs other than REGISTER: their sender, their next hop, what they may say. TS 24.229 §5.2.6.3.

import { identityList } from "@ims-lab/common/ims/p-headers";
import { removeClaims, removeNetworkOnly } from "@ims-lab/common/ims/trust-domain";
import { isEnding } from "@ims-lab/common/sip/admission/peek";
import { mayMakeDialog } from "@ims-lab/common/sip/dialog/methods";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { isSip, type SipUri } from "@ims-lab/common/sip/message/uri";
import type { IsOwn } from "@ims-lab/common/sip/proxy/loop";
import { recordBothSides, restoreRecordRoute } from "@ims-lab/common/sip/proxy/record-route";
import {
  destinationOf,
  isOwnUri,
  takeNextHop,
  takeOwnRoutes,
} from "@ims-lab/common/sip/proxy/route";
import { checkForRelay, type RelayRules } from "@ims-lab/common/sip/proxy/validate";
import { type Flow, formatHostPort } from "@ims-lab/common/sip/transport/transport";
import type { Binding } from "../bindings/binding.ts";
import type { Problem } from "../outcomes.ts";
import { forward, RETRY_AFTER_SECONDS, refuse } from "../sides/forward.ts";
import { extensionProblem, stripSecurityAgreement } from "../sides/option-tags.ts";
import { bindingOfDialog, dialogToken } from "../sides/own-routes.ts";
import {
  accessSide,
  chargingVector,
  coreSide,
  firstScscf,
  isOwnOf,
  noteLostRoute,
  noteRefusal,
  type Relay,
  scscfUri,
} from "../sides/sides.ts";
import { coreHop } from "./core-hops.ts";
import { assertedIdentities } from "./identity.ts";
import { answerOptions, isOptionsToUs } from "./options.ts";
import { bindingOfSender } from "./sender.ts";
import { followsServiceRoute, undoStrictServiceRoute } from "./service-route.ts";

/** Whose request it is, and whether it belongs to a dialog that went through us. */
type Sender =
  | { readonly kind: "binding"; readonly binding: Binding; readonly inDialog: boolean }
  /** The dialog is ours, its binding is one no more: what is under way may end. */
  | { readonly kind: "dialog" }
  | { readonly kind: "problem"; readonly problem: Problem };

export class AccessSide {
  readonly #relay: Relay;
  readonly #register: (incoming: Incoming) => void;
  readonly #isOwn: IsOwn;
  readonly #rules: RelayRules;

  constructor(relay: Relay, register: (incoming: Incoming) => void) {
    this.#relay = relay;
    this.#register = register;
    this.#isOwn = isOwnOf(relay);
    this.#rules = { isOwn: this.#isOwn, extensions: ["sec-agree"] }; // judged by extensionProblem
  }

  handle(incoming: Incoming): void {
    const { request } = incoming;
    if (isOptionsToUs(request, this.#isOwn)) {
      answerOptions(incoming);
      return;
    }
    const problem = this.#problem(request);
    if (problem !== undefined) this.#refuse(incoming, problem);
    else if (request.method === "REGISTER") this.#register(incoming);
    else if (request.method === "CANCEL") this.#cancel(incoming);
    else this.#relayed(incoming);
  }

  /** Whoever knows the branch of the INVITE may end it: RFC 3261 §9.2. */
  #cancel(incoming: Incoming): void {
    if (!this.#relay.calls.cancel(incoming)) this.#refuse(incoming, { kind: "no-invite" });
  }

  #problem(request: SipRequest): Problem | undefined {
    const refusal = checkForRelay(request, this.#rules);
    if (refusal !== undefined) return { kind: "proxy", refusal };
    return extensionProblem(request, this.#relay.settings.securityAgreement);
  }

  #relayed(incoming: Incoming): void {
    const onward = incoming.request.clone();
    const ownRoutes = takeOwnRoutes(onward, this.#isOwn).map(({ user = "" }) => user);
    // Only the core speaks to this node itself; no UE may reach it by way of the S-CSCF either.
    if (isOwnUri(onward.requestUri, this.#isOwn)) {
      this.#refuse(incoming, { kind: "nobody-here" });
      return;
    }
    const sender = this.#sender(incoming, ownRoutes);
    if (sender.kind === "problem") {
      this.#refuse(incoming, sender.problem);
      return;
    }
    const binding = sender.kind === "binding" ? sender.binding : undefined;
    if (!isEnding(incoming.request.method) && !this.#hasRoom(incoming, binding)) return;
    this.#clean(incoming, onward);
    const inDialog = sender.kind === "dialog" || sender.inDialog;
    if (binding !== undefined) this.#vouch(incoming.request, onward, binding, inDialog);
    if (!inDialog && binding !== undefined && !this.#route(incoming, onward, binding)) return;
    this.#send(incoming, onward, binding);
  }

  /** However little the callee answers, one user takes no more than his share. False: refused. */
  #hasRoom(incoming: Incoming, binding: Binding | undefined): boolean {
    const holder = binding?.impi ?? incoming.flow.remote.host;
    if (incoming.claim?.(holder) !== false) return true;
    this.#refuse(incoming, { kind: "share-used-up", retryAfter: RETRY_AFTER_SECONDS });
    return false;
  }

  #sender({ request, flow }: Incoming, ownRoutes: readonly string[]): Sender {
    const token = ownRoutes.find((user) => user.includes("."));
    if (token !== undefined && request.to.params.has("tag"))
      return this.#senderInDialog(request, flow, token);
    const binding = bindingOfSender(this.#relay.table, request, flow);
    if (binding === undefined) return { kind: "problem", problem: { kind: "stranger" } };
    return { kind: "binding", binding, inDialog: false };
  }

  #senderInDialog(request: SipRequest, flow: Flow, token: string): Sender {
    const { table, tokens } = this.#relay;
    const named = bindingOfDialog(tokens, token, request, "access");
    const owner = named === undefined ? undefined : table.find(named);
    // Over the flow of the dialog's UE it is that UE's, whoever From names.
    const isOwners = owner?.flow.id === flow.id && table.registered(owner.token) !== undefined;
    const binding = isOwners ? owner : bindingOfSender(table, request, flow);
    if (named === undefined) {
      const kind = binding === undefined ? "forged-token" : "unknown-dialog";
      return { kind: "problem", problem: { kind } };
    }
    if (owner !== undefined && binding !== undefined && owner.impi !== binding.impi)
      return { kind: "problem", problem: { kind: "foreign-dialog" } };
    return binding === undefined
      ? { kind: "dialog" }
      : { kind: "binding", binding, inDialog: true };
  }

  #clean({ request, flow }: Incoming, onward: SipRequest): void {
    const { counters, log, mayLog } = this.#relay;
    const forged = removeClaims(onward);
    stripSecurityAgreement(onward);
    for (const header of forged) counters.forged(header);
    const { method, callId } = request;
    const source = flow.remote.host;
    if (forged.length > 0 && mayLog(`forged ${source} ${forged.join()}`))
      log.warn("request.forged-headers", { source, method, callId, headers: forged });
  }

  /** RFC 3325 §5 and RFC 7315 §5.6: what the core takes our word for. */
  #vouch(received: SipRequest, onward: SipRequest, binding: Binding, inDialog: boolean): void {
    const { method } = received;
    if (method === "ACK" || method === "CANCEL") return;
    onward.set("P-Asserted-Identity", identityList(assertedIdentities(received, binding)));
    const { privateDialogs } = this.#relay;
    if (inDialog) privateDialogs.keepPrivate(onward);
    else if (mayMakeDialog(method)) privateDialogs.asked(onward);
    const isOfDialog = inDialog || mayMakeDialog(method);
    const icid = isOfDialog ? this.#relay.tokens.icidOf(received.callId) : undefined;
    onward.set(
      "P-Charging-Vector",
      chargingVector(this.#relay, coreSide(this.#relay, this.#scscfOf(binding)), icid),
    );
  }

  /** The Service-Route of the registration, whatever the UE preloaded. False: refused. */
  #route(incoming: Incoming, onward: SipRequest, binding: Binding): boolean {
    const { serviceRoute } = binding;
    if (followsServiceRoute(onward, serviceRoute)) return true;
    undoStrictServiceRoute(onward, serviceRoute);
    this.#relay.counters.routeMismatch();
    if (this.#relay.settings.routeMismatch === "reject") {
      this.#refuse(incoming, { kind: "route-mismatch" });
      return false;
    }
    onward.remove("Route");
    if (serviceRoute.length > 0) onward.set("Route", serviceRoute);
    return true;
  }

  #send(incoming: Incoming, onward: SipRequest, binding: Binding | undefined): void {
    const relay = this.#relay;
    const next = this.#nextHop(onward, binding);
    const there = destinationOf(next);
    if (there === undefined) {
      this.#refuse(incoming, { kind: "unreachable-uri" });
      return;
    }
    const to = coreHop(relay, there, binding);
    if (to === undefined) {
      this.#refuse(incoming, { kind: "unknown-hop" });
      this.#sayHop(incoming, next);
      return;
    }
    const isRecorded = mayMakeDialog(onward.method) && binding !== undefined;
    if (isRecorded) {
      const token = dialogToken(relay.tokens, binding.token, onward);
      const from = accessSide(relay, incoming.flow);
      const node = relay.cluster.has(next.host) ? this.#scscfOf(binding) : next;
      recordBothSides(onward, { ...from, token }, { ...coreSide(relay, node), token });
    }
    forward(incoming, {
      endpoint: relay.cluster.senderFor(binding),
      calls: relay.calls,
      request: onward,
      to,
      answer: (response) => {
        removeNetworkOnly(response);
        if (isRecorded && restoreRecordRoute(onward, response, true))
          noteLostRoute(relay, incoming, undefined);
        return response;
      },
    });
  }

  /** Somebody's attempt, or a core that is larger than the settings say. */
  #sayHop({ request, flow }: Incoming, { host, port = 5060 }: SipUri): void {
    const { log, mayLog } = this.#relay;
    if (!mayLog(`unknown-hop ${host}`)) return;
    log.warn("access.unknown-hop", {
      hop: formatHostPort({ host, port }),
      source: flow.id,
      callId: request.callId,
      setting: "trustedPeers",
      what: "a Route within a dialog leads there: name it in trustedPeers if it belongs to the core",
    });
  }

  /** Its Route; else, out of a dialog, the S-CSCF; else the remote target. */
  #nextHop(onward: SipRequest, binding: Binding | undefined): SipUri {
    const inDialog = onward.to.params.has("tag");
    const hop = onward.has("Route") || inDialog ? takeNextHop(onward) : undefined;
    return isSip(hop) ? hop : this.#scscfOf(binding);
  }

  #scscfOf(binding: Binding | undefined): SipUri {
    return scscfUri(this.#relay, binding?.scscf ?? firstScscf(this.#relay));
  }

  #refuse(incoming: Incoming, problem: Problem): void {
    noteRefusal(this.#relay, "access", incoming, problem);
    refuse(incoming, problem);
  }
}
