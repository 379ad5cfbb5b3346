// `imslab call` and `imslab message`: orders to a UE over its control interface, and their outcome.
import type { CallView, MessageView } from "@ims-lab/common/admin-api/views";
import type { AdminClient } from "./admin-client.ts";
import { CommandFailure, EXIT } from "./exit-codes.ts";
import { type Progress, pause } from "./progress.ts";

export interface CallOrder {
  /** IMPU (any that is registered) or IMPI of the UE. */
  readonly from: string;
  readonly to: string;
  /** Hangs up so long after the answer; 0: leaves it up. */
  readonly seconds: number;
}

/** The part of `GET /state` that is looked at. */
interface UeState {
  readonly calls: readonly CallView[];
}

const POLL_MS = 100;

export function placeCall({ from, to }: CallOrder, ue: AdminClient): Promise<CallView> {
  return ue.post<CallView>("/call", {}, { identity: from, to });
}

/** Resolves with the call when it is over, or up where it is to stay up. */
export async function followCall(
  { from, seconds }: CallOrder,
  placed: CallView,
  ue: AdminClient,
  { clock, show }: Progress,
): Promise<CallView> {
  let isLeaving = false;
  let call = placed;
  for (;;) {
    if (call.state === "over" || (call.state === "up" && seconds === 0)) return call;
    show(`${call.peer}: ${call.state}`);
    const isDue = call.upAt !== null && clock.now() >= call.upAt + seconds * 1000;
    if (isDue && !isLeaving) {
      isLeaving = true;
      await ue.post("/hangup", {}, { identity: from });
    }
    await pause(clock, POLL_MS);
    call = await currentCall(placed.callId, ue);
  }
}

async function currentCall(callId: string, ue: AdminClient): Promise<CallView> {
  const { items } = await ue.all<UeState>("/state");
  const ofAll = items.flatMap(({ calls }) => calls);
  const found = ofAll.find((call) => call.callId === callId && call.direction === "outgoing");
  if (found === undefined) throw new CommandFailure(EXIT.unknown, "the UE has lost the call");
  return found;
}

export function callLine({ peer, state, why, upAt, overAt, packets }: CallView): string {
  if (upAt === null) return `${peer} did not answer: ${why ?? state}\n`;
  if (overAt === null) return `${peer} has answered; POST /hangup ends the call\n`;
  const seconds = ((overAt - upAt) / 1000).toFixed(1);
  return `${peer} answered, ${why ?? state} after ${seconds} s, ${packets} RTP packets\n`;
}

export function messageLine({ peer, status, why }: MessageView): string {
  if (status !== null && status < 300) return `${peer} has it\n`;
  return `${peer} did not get it: ${[status, why].filter((one) => one !== null).join(" ")}\n`;
}
