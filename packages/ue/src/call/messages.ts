// Pager-mode messages, sent and received. RFC 3428.
import type { MessageView } from "@ims-lab/common/admin-api/views";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { readBody } from "@ims-lab/common/sip/message/bodies";
import { PAssertedIdentity } from "@ims-lab/common/sip/message/fields";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { TEXT_TYPE } from "../user-agent/capabilities.ts";
import { requestOutsideDialog, type UserAgent } from "../user-agent/user-agent.ts";

/** How many are kept. */
const KEPT = 50;
const TEXT = { types: [TEXT_TYPE], dispositions: ["render"] } as const;

export class Messages {
  readonly #userAgent: UserAgent;
  readonly #kept: MessageView[] = [];

  constructor(userAgent: UserAgent) {
    this.#userAgent = userAgent;
  }

  /** The latest last. */
  get view(): readonly MessageView[] {
    return this.#kept;
  }

  /** Resolves with what became of it. @param from as for calls */
  send(to: string, text: string, from?: string): Promise<MessageView> {
    const { clock, random } = this.#userAgent;
    const request = requestOutsideDialog(this.#userAgent, "MESSAGE", {
      callId: random.hex(16),
      fromTag: random.hex(8),
      to,
      from,
      headers: [["Content-Type", `${TEXT_TYPE};charset=utf-8`]],
      body: Buffer.from(text, "utf8"),
    });
    const sent = { at: Math.floor(clock.now()), direction: "sent", peer: to, text } as const;
    return new Promise((resolve) => {
      const done = (status: number | null, why: string | null): void =>
        resolve(this.#keep({ ...sent, status, why }));
      this.#userAgent.send(request, {
        onResponse: ({ status, reason }) => {
          if (status >= 200) done(status, status < 300 ? null : reason);
        },
        onFailure: (why) => done(null, why),
      });
    });
  }

  handle(incoming: Incoming): void {
    const { request } = incoming;
    const { clock, random } = this.#userAgent;
    const toTag = random.hex(8);
    const reading = readBody(request, TEXT);
    if (reading.kind === "refused") {
      const { refusal } = reading;
      incoming.respond(newResponse(request, refusal.status, { ...refusal, toTag }));
      return;
    }
    this.#keep({
      at: Math.floor(clock.now()),
      direction: "received",
      peer: callerOf(request),
      text: reading.kind === "body" ? reading.octets.toString("utf8") : "",
      status: null,
      why: null,
    });
    incoming.respond(newResponse(request, 200, { toTag }));
  }

  #keep(message: MessageView): MessageView {
    this.#kept.push(message);
    if (this.#kept.length > KEPT) this.#kept.shift();
    return message;
  }
}

/** The asserted identity (RFC 3325), else that of From. */
export function callerOf(request: SipRequest): string {
  return request.get(PAssertedIdentity)?.uriText ?? request.from.uriText;
}
