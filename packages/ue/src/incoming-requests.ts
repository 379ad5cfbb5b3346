// Checks and dispatch of requests that come to a UE. RFC 3261 §8.2, §11.2, §12.2.2; TS 24.229 §5.1.2A.2.
import { isIp, parseIp } from "@ims-lab/common/platform/ip-address";
import { type LogRateLimit, logRateLimit } from "@ims-lab/common/platform/log-rate-limit";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { checkAsUas } from "@ims-lab/common/sip/endpoint/uas-checks";
import type { SubscriberAgent } from "@ims-lab/common/sip/event/subscriber-agent";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import type { Refusal } from "@ims-lab/common/sip/transaction/user";
import { type Flow, formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";
import type { Calls } from "./call/calls.ts";
import type { Messages } from "./call/messages.ts";
import { EXTENSIONS, METHODS, OPTIONS_HEADERS } from "./user-agent/capabilities.ts";
import type { UserAgent } from "./user-agent/user-agent.ts";

export interface IncomingRequestsOptions {
  readonly userAgent: UserAgent;
  /** The P-CSCF. */
  readonly proxy: HostPort;
  readonly log: Logger;
  readonly calls: Calls;
  readonly messages: Messages;
  readonly agent: SubscriberAgent;
}

export class IncomingRequests {
  readonly #options: IncomingRequestsOptions;
  /** Address and port of the P-CSCF, of each that has answered where it is known by name. */
  readonly #proxies = new Set<string>();
  readonly #mayLog: LogRateLimit;

  constructor(options: IncomingRequestsOptions) {
    const { userAgent, proxy } = options;
    this.#options = options;
    if (isIp(proxy.host)) this.#proxies.add(addressKey(proxy));
    this.#mayLog = logRateLimit(userAgent.clock);
  }

  /** A response came by this flow. */
  learn({ remote }: Flow): void {
    const { proxy } = this.#options;
    if (!isIp(proxy.host) && isIp(remote.host)) this.#proxies.add(addressKey(remote));
  }

  handle(incoming: Incoming): void {
    const { request } = incoming;
    const { agent, calls, messages } = this.#options;
    if (!this.#isByProxy(incoming)) {
      this.#refuseStranger(incoming);
      return;
    }
    const refused = this.#isOfNoDialog(request) ? { status: 481 } : checkRequest(request);
    if (refused !== undefined) this.#answer(incoming, refused);
    else if (request.method === "NOTIFY") agent.handle(incoming);
    else if (request.method === "MESSAGE") messages.handle(incoming);
    else if (request.method === "OPTIONS") this.#answerOptions(incoming);
    else calls.handle(incoming);
  }

  /**
   * TS 24.229 §5.1.2A.2: a request for this UE comes by its P-CSCF, whatever its headers claim. Over a connection: by
   * one of ours, since no other leads to the P-CSCF's own port.
   */
  #isByProxy({ flow }: Incoming): boolean {
    return this.#proxies.has(addressKey(flow.remote));
  }

  #refuseStranger(incoming: Incoming): void {
    const { request, flow } = incoming;
    const source = formatHostPort(flow.remote);
    if (this.#mayLog(flow.remote.host))
      this.#options.log.warn("request.not-by-pcscf", { method: request.method, source });
    if (request.method === "ACK") incoming.drop();
    else incoming.refuse(403);
  }

  /** RFC 3261 §12.2.2: a tag in To makes it a request within a dialog, and we have none of that kind. */
  #isOfNoDialog(request: SipRequest): boolean {
    const { agent, calls } = this.#options;
    if (!request.to.params.has("tag") || MATCHED_OTHERWISE.has(request.method)) return false;
    return !calls.owns(request) && !agent.owns(request);
  }

  /** RFC 3261 §11.2: as an INVITE would be answered; within a dialog it asks for abilities alone. */
  #answerOptions(incoming: Incoming): void {
    const { userAgent, calls } = this.#options;
    const status = incoming.request.to.params.has("tag") ? 200 : calls.statusOfNext;
    const contact = ["Contact", `<${userAgent.identity.contactUri}>`] as const;
    this.#answer(incoming, { status, headers: [contact, ...OPTIONS_HEADERS] });
  }

  #answer(incoming: Incoming, answer: Refusal): void {
    const { request } = incoming;
    const toTag = this.#options.userAgent.random.hex(8);
    incoming.respond(newResponse(request, answer.status, { ...answer, toTag }));
  }
}

/** An ACK is never answered; a CANCEL is matched by its transaction, a NOTIFY by its subscription. */
const MATCHED_OTHERWISE: ReadonlySet<string> = new Set(["ACK", "CANCEL", "NOTIFY"]);

/** RFC 3261 §8.2.1, §8.2.2: what holds for every request. An ACK is never answered. */
function checkRequest(request: SipRequest): Refusal | undefined {
  if (request.method === "ACK") return undefined;
  return checkAsUas(request, { methods: METHODS, extensions: EXTENSIONS });
}

/** However its address is written. */
function addressKey({ host, port }: HostPort): string {
  return `${parseIp(host)?.join(".") ?? host}:${port}`;
}
