// A subscriber agent and a notifier agent joined by a wire that encodes, decodes, delays and drops.
import { expect } from "vitest";
import type { SendHandlers } from "../../../src/sip/event/sender.ts";
import { decode } from "../../../src/sip/message/decode.ts";
import { encode } from "../../../src/sip/message/encode.ts";
import { type SipRequest, SipResponse } from "../../../src/sip/message/message.ts";
import type { FakeClock } from "../../../src/testing/fake-clock.ts";

/** What became of each message, in order: `SUBSCRIBE`, `200 SUBSCRIBE` … */
export class EventWire {
  readonly requests: SipRequest[] = [];
  readonly log: string[] = [];
  /** Milliseconds each way. */
  latency = 10;
  /** Requests for which this says true are lost, and fail after 64*T1. */
  loses: (request: SipRequest) => boolean = () => false;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  /** A sender whose requests `receive` handles. */
  to(
    receive: (incoming: { request: SipRequest; respond(response: SipResponse): void }) => void,
  ): (request: SipRequest, handlers: SendHandlers) => void {
    return (request, handlers) => {
      this.requests.push(request);
      this.log.push(request.method);
      handlers.onStarted?.({ abandon: () => this.log.push(`${request.method} given up`) });
      if (this.loses(request)) {
        this.#clock.after(32_000, () => handlers.onFailure("timeout"));
        return;
      }
      const arrived = overTheWire(
        request.clone().push("Via", "SIP/2.0/UDP a.test;branch=z9hG4bK1"),
      );
      if (arrived instanceof SipResponse) throw new Error("a request became a response");
      const respond = (response: SipResponse): void => {
        this.log.push(`${response.status} ${request.method}`);
        const answer = overTheWire(response);
        if (!(answer instanceof SipResponse)) throw new Error("a response became a request");
        this.#clock.after(this.latency, () => handlers.onResponse(answer));
      };
      this.#clock.after(this.latency, () => receive({ request: arrived, respond }));
    };
  }

  last(method: string): SipRequest {
    const found = this.requests.findLast((request) => request.method === method);
    if (found === undefined) throw new Error(`no ${method} was sent`);
    return found;
  }
}

function overTheWire(message: SipRequest | SipResponse): SipRequest | SipResponse {
  const decoded = decode(encode(message));
  expect(decoded).not.toHaveProperty("problem");
  if (decoded.message === undefined) throw new Error("not a message");
  return decoded.message;
}
