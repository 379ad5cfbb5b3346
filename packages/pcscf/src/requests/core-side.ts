// Requests of the core: to UEs over their flows, or to this node itself. TS 24.229 §5.2.6.4, RFC 5626 §5.3.

import { removeClaims, removeNetworkOnly } from "@ims-lab/common/ims/trust-domain";
import { mayMakeDialog } from "@ims-lab/common/sip/dialog/methods";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { recordBothSides, restoreRecordRoute } from "@ims-lab/common/sip/proxy/record-route";
import { isOwnUri, takeOwnRoutes } from "@ims-lab/common/sip/proxy/route";
import { isSecured } from "@ims-lab/common/sip/proxy/secured";
import { checkForRelay } from "@ims-lab/common/sip/proxy/validate";
import { type Flow, isSecure } from "@ims-lab/common/sip/transport/transport";
import type { Binding } from "../bindings/binding.ts";
import type { HeldAnswers } from "../bindings/held-answers.ts";
import type { Problem } from "../outcomes.ts";
import { forward, refuse } from "../sides/forward.ts";
import { bindingOfDialog, dialogToken } from "../sides/own-routes.ts";
import {
  accessSide,
  coreSide,
  isOwnOf,
  noteLostRoute,
  noteRefusal,
  type Relay,
  scscfUri,
} from "../sides/sides.ts";
import { assertCalled } from "./identity.ts";
import { answerOptions, isOptionsToUs, OWN_METHODS } from "./options.ts";
import { PendingRequests } from "./pending-requests.ts";

/** Whom the core side listens to. */
export interface TrustedSources {
  /** @param tlsNames names of the peer's verified certificate */
  isTrusted(host: string, port: number, tlsNames: readonly string[]): boolean;
}

/** Requests to this node itself, by method. */
export interface OwnRequests {
  subscribe(incoming: Incoming): void;
  notify(incoming: Incoming): void;
}

export interface CoreSideOptions {
  readonly relay: Relay;
  readonly trust: TrustedSources;
  readonly own: OwnRequests;
  /** Answers to REGISTER that have not left yet: what comes for their UE leaves behind them. */
  readonly held: Pick<HeldAnswers, "behind">;
}

type Target =
  /** `dialog`: the Record-Route token that named it, checked. */
  | { readonly kind: "ue"; readonly binding: Binding; readonly dialog: string | undefined }
  | { readonly kind: "problem"; readonly problem: Problem };

type ToUe = Extract<Target, { kind: "ue" }>;

export class CoreSide {
  readonly #options: CoreSideOptions;
  readonly #relay: Relay;
  readonly #pendingRequests: PendingRequests;

  constructor(options: CoreSideOptions) {
    this.#options = options;
    this.#relay = options.relay;
    this.#pendingRequests = new PendingRequests(options.relay.access);
  }

  handle(incoming: Incoming): void {
    const { request, flow } = incoming;
    const isOwn = isOwnOf(this.#relay);
    if (isOptionsToUs(request, isOwn)) {
      answerOptions(incoming);
      return;
    }
    if (!this.#isTrusted(request, flow)) {
      this.#refuse(incoming, { kind: "untrusted-peer" });
      return;
    }
    const onward = request.clone();
    const users = takeOwnRoutes(onward, isOwn).map(({ user = "" }) => user);
    if (!onward.has("Route") && isOwnUri(onward.requestUri, isOwn)) {
      this.#relay.cluster.heard(incoming, onward.requestUri.user ?? "");
      this.#own(incoming);
      return;
    }
    const refusal = checkForRelay(request, { isOwn, extensions: [] });
    if (refusal !== undefined) {
      this.#refuse(incoming, { kind: "proxy", refusal });
      return;
    }
    if (request.method === "CANCEL") {
      if (!this.#relay.calls.cancel(incoming)) this.#refuse(incoming, { kind: "no-invite" });
      return;
    }
    const target = this.#target(request, users);
    if (target.kind === "problem") this.#refuse(incoming, target.problem);
    else this.#toUeInTurn(incoming, onward, target);
  }

  /**
   * A connection the peer opened has a port of the system's choice; there its Via says which
   * listening port it stands for (docs/security.md: on one host, ports carry the trust).
   */
  #isTrusted(request: SipRequest, { transport, remote, tls }: Flow): boolean {
    const { trust } = this.#options;
    const names = tls?.names ?? [];
    if (trust.isTrusted(remote.host, remote.port, names)) return true;
    if (transport !== "tcp" && transport !== "tls") return false;
    return trust.isTrusted(remote.host, request.get(Via)?.port ?? 5060, names);
  }

  #own(incoming: Incoming): void {
    const { own } = this.#options;
    const { method } = incoming.request;
    if (method === "SUBSCRIBE") own.subscribe(incoming);
    else if (method === "NOTIFY") own.notify(incoming);
    else this.#refuse(incoming, { kind: "method", allow: OWN_METHODS });
  }

  /** A Path token, or a Record-Route token made for this very dialog. */
  #target(request: SipRequest, users: readonly string[]): Target {
    const { table, tokens } = this.#relay;
    const user = users.find((candidate) => candidate !== "");
    if (user === undefined) return { kind: "problem", problem: { kind: "nobody-here" } };
    const dialog = user.includes(".") ? user : undefined;
    const token = dialog === undefined ? user : bindingOfDialog(tokens, dialog, request, "core");
    if (token === undefined) return { kind: "problem", problem: { kind: "unknown-dialog" } };
    const binding = table.find(token);
    if (binding === undefined) return { kind: "problem", problem: { kind: "unknown-token" } };
    if (binding.flowLost) return { kind: "problem", problem: { kind: "flow-lost" } };
    if (isSecured(request.uri) && !isSecure(binding.flow.transport))
      return { kind: "problem", problem: { kind: "insecure-flow" } };
    return { kind: "ue", binding, dialog };
  }

  /** Behind the 200 to its REGISTER; but a CANCEL has to find its INVITE. */
  #toUeInTurn(incoming: Incoming, onward: SipRequest, target: ToUe): void {
    if (onward.method === "INVITE") this.#toUe(incoming, onward, target);
    else
      this.#options.held.behind(target.binding.token, () => this.#toUe(incoming, onward, target));
  }

  /** Always over its flow, whatever the size (docs/decisions/0004, RFC 5626 §5.3.1). */
  #toUe(incoming: Incoming, onward: SipRequest, { binding, dialog }: ToUe): void {
    const relay = this.#relay;
    relay.cluster.heard(incoming, binding.token);
    removeNetworkOnly(onward);
    const isRecorded = mayMakeDialog(onward.method);
    if (isRecorded) {
      const token = dialog ?? dialogToken(relay.tokens, binding.token, onward);
      const from = coreSide(relay, scscfUri(relay, binding.scscf));
      recordBothSides(onward, { ...from, token }, { ...accessSide(relay, binding.flow), token });
    }
    const { flow } = binding;
    this.#pendingRequests.add(flow, incoming);
    forward(incoming, {
      endpoint: relay.access,
      calls: relay.calls,
      request: onward,
      to: { flow },
      answer: (response) => {
        if (response.status >= 200) this.#pendingRequests.done(flow, incoming);
        removeClaims(response); // an answer of a UE may forge as well as a request
        if (isRecorded) relay.privateDialogs.answered(response);
        if (isRecorded && restoreRecordRoute(onward, response, false))
          noteLostRoute(relay, incoming, flow);
        return assertCalled(incoming.request, response, binding);
      },
      takeOver: () => {
        this.#pendingRequests.done(flow, incoming);
        return false;
      },
    });
  }

  #refuse(incoming: Incoming, problem: Problem): void {
    noteRefusal(this.#relay, "core", incoming, problem);
    refuse(incoming, problem);
  }
}
