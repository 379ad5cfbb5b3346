// `imslab call`: a call by a UE of the lab, ordered over its control interface and followed to its end. RFC 3261 §13.
import type { CallView } from "@ims-lab/common/admin-api/views";
import type { AdminClient } from "../admin-client.ts";
import { type Command, defineCommand, print, progressing } from "../command.ts";
import { CommandFailure, EXIT } from "../exit-codes.ts";
import { impuOf, secondsOf, ueOf } from "../option-values.ts";
import { type Progress, pause } from "../progress.ts";

const TALK_SECONDS = 3;

export const call: Command = defineCommand({
  name: "call",
  help: `  imslab call FROM TO [--seconds N]
      Has a UE of the lab call somebody, and hang up N seconds after the answer (3; 0: never).
`,
  options: { seconds: { type: "string" } },
  words: 2,
  read([caller, callee], values) {
    const seconds = secondsOf("--seconds", values.seconds) ?? TALK_SECONDS;
    const order = { from: ueOf(caller, "call"), to: impuOf(callee, "call"), seconds };
    return async (session) => {
      const placed = await placeCall(order, session.ue);
      const over = await progressing(session, (progress) =>
        followCall(order, placed, session.ue, progress),
      );
      print(over, callLine(over), session);
      return over.upAt === null ? EXIT.unknown : EXIT.done;
    };
  },
});

interface CallOrder {
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

function placeCall({ from, to }: CallOrder, ue: AdminClient): Promise<CallView> {
  return ue.post<CallView>("/call", {}, { identity: from, to });
}

/** Resolves with the call when it is over, or up where it is to stay up. */
async function followCall(
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

function callLine({ peer, state, why, upAt, overAt, packets }: CallView): string {
  if (upAt === null) return `${peer} did not answer: ${why ?? state}\n`;
  if (overAt === null) return `${peer} has answered; POST /hangup ends the call\n`;
  const seconds = ((overAt - upAt) / 1000).toFixed(1);
  return `${peer} answered, ${why ?? state} after ${seconds} s, ${packets} RTP packets\n`;
}
