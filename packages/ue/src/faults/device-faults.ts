// Faults of a device's requests and answers: what it does not send, does not hear, hears late or answers wrongly.
import type { FaultValues, UeFaultName } from "@ims-lab/common/admin-api/faults";
import type { FaultSwitches } from "@ims-lab/common/faults/fault-switches";
import type { FaultLink, IncomingFault } from "@ims-lab/common/faults/message-faults";
import type { Clock } from "@ims-lab/common/platform/clock";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import type {
  Destination,
  Incoming,
  RequestHandler,
  ResponseHandlers,
} from "@ims-lab/common/sip/transaction/user";
import type { SentRequest } from "../stack/stack.ts";

/** A request on its way out of a UE. */
export interface UeSending {
  readonly request: SipRequest;
  readonly to: Destination;
  readonly handlers: ResponseHandlers;
  /** What can be done with it once it has left, or was swallowed. */
  readonly sent: (request: SentRequest) => void;
}

type UeSendingFault = FaultLink<UeFaultName, [sending: UeSending]>;

export interface UeFaultTools {
  readonly switches: FaultSwitches<UeFaultName>;
  /** Of the UE. */
  readonly impi: string;
  readonly clock: Clock;
  /** Milliseconds. */
  readonly timerF: number;
  /** Whether the REGISTER that leaves now answers a challenge. */
  isAnswer(): boolean;
}

type UeIncomingFault = IncomingFault<UeFaultName>;

export function deviceFaults(tools: UeFaultTools): {
  readonly incoming: readonly UeIncomingFault[];
  readonly sending: readonly UeSendingFault[];
} {
  const dead = silentAfterNotify(tools);
  const { clock } = tools;
  return {
    incoming: [
      onNotify(tools, "notify-ignored", (incoming) => incoming.drop()),
      onNotify(tools, "notify-481", (incoming) => answer(incoming, 481)),
      onNotify(tools, "notify-500", (incoming) => answer(incoming, 500)),
      onNotify(tools, "notify-late", (incoming, next, { delaySeconds }) => {
        clock.after(Number(delaySeconds) * 1000, () => next(incoming));
      }),
      dead.incoming,
    ],
    sending: [
      swallowing(tools, "no-subscribe", ({ method }) => method === "SUBSCRIBE"),
      swallowing(
        tools,
        "challenge-unanswered",
        ({ method }) => method === "REGISTER" && tools.isAnswer(),
      ),
      dead.sending,
    ],
  };
}

function onNotify(
  { switches, impi }: UeFaultTools,
  name: UeFaultName,
  meet: (incoming: Incoming, next: RequestHandler, values: FaultValues) => void,
): UeIncomingFault {
  return {
    name,
    pass(next, incoming) {
      const { request } = incoming;
      const isMeant = request.method === "NOTIFY";
      const values = isMeant ? switches.take(name, impi, keyOf(request)) : undefined;
      if (values === undefined) next(incoming);
      else meet(incoming, next, values);
    },
  };
}

/** The same for each retransmission. */
function keyOf({ callId, cseq }: SipRequest): string {
  return `${callId.slice(0, 200)} ${cseq.number}`;
}

function answer(incoming: Incoming, status: number): void {
  incoming.respond(newResponse(incoming.request, status));
}

function swallowing(
  tools: UeFaultTools,
  name: UeFaultName,
  isMeant: (request: SipRequest) => boolean,
): UeSendingFault {
  return {
    name,
    pass(next, sending) {
      const isOn = isMeant(sending.request) && tools.switches.take(name, tools.impi) !== undefined;
      if (isOn) swallow(tools, sending);
      else next(sending);
    },
  };
}

/** As if nothing of it had arrived: Timer F says so (RFC 3261 §17.1.2.2). */
function swallow({ clock, timerF }: UeFaultTools, { handlers, sent }: UeSending): void {
  const timer = clock.after(timerF, () => handlers.onFailure("timeout"));
  sent({ cancel: () => undefined, abandon: () => timer.cancel() });
}

/** From the first NOTIFY on; answers are no requests, and leave. */
function silentAfterNotify(tools: UeFaultTools): {
  readonly incoming: UeIncomingFault;
  readonly sending: UeSendingFault;
} {
  const { switches, impi } = tools;
  const name = "silent-after-notify";
  /** Of the time that it is on in which a NOTIFY has come. */
  let deadSince: FaultValues | undefined;
  return {
    incoming: {
      name,
      pass(next, incoming) {
        if (incoming.request.method === "NOTIFY") deadSince = switches.look(name, impi);
        next(incoming);
      },
    },
    sending: {
      name,
      pass(next, sending) {
        const isDead = deadSince !== undefined && switches.look(name, impi) === deadSince;
        if (!isDead) {
          next(sending);
          return;
        }
        switches.take(name, impi);
        swallow(tools, sending);
      },
    },
  };
}
