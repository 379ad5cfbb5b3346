// `imslab call` and `imslab message`: a UE of the lab is told over its control interface, and watched.
import type { CallView, MessageView } from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import { type AdminClient, CommandFailure } from "./admin-client.ts";
import { EXIT } from "./exit-codes.ts";

export interface Placing {
  /** IMPU (any that is registered) or IMPI of the UE. */
  readonly from: string;
  readonly to: string;
  /** Hangs up so long after the answer; 0: leaves it up. */
  readonly seconds: number;
}

interface Following {
  readonly ue: AdminClient;
  readonly clock: Clock;
  /** One line for a person who waits. */
  show(line: string): void;
}

/** The part of `GET /state` that is looked at. */
interface UeState {
  readonly calls: readonly CallView[];
}

const POLL_MS = 100;

export function placeCall({ from, to }: Placing, ue: AdminClient): Promise<CallView> {
  return ue.post<CallView>("/call", {}, { identity: from, to });
}

/** Gives the call as it ended, or as it is up when nobody is to hang up. */
export async function followCall(
  { from, seconds }: Placing,
  placed: CallView,
  { ue, clock, show }: Following,
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
    await new Promise<void>((resolve) => {
      clock.after(POLL_MS, resolve);
    });
    call = await lookAt(placed.callId, ue);
  }
}

async function lookAt(callId: string, ue: AdminClient): Promise<CallView> {
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
