// The network under verify's hand over the admin interfaces: S-CSCF, and the UE that calls.
import type { FaultRequest, FaultView } from "@ims-lab/common/admin-api/faults";
import type { ObservedMessage } from "@ims-lab/common/admin-api/observed-messages";
import type { CallView, RegistrationView } from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { AdminClient } from "../cli/admin-client.ts";
import { registrationPath } from "../cli/command.ts";
import { CommandFailure, EXIT } from "../cli/exit-codes.ts";
import { pause } from "../cli/progress.ts";
import { SseReader } from "../cli/sse-reader.ts";
import type { NetworkControl } from "./runner.ts";

const POLL_MS = 100;
/** A call that rings longer is none. */
const RING_SECONDS = 30;

export function adminControl(nodes: {
  readonly scscf: AdminClient;
  readonly ue: AdminClient;
  readonly clock: Clock;
}): NetworkControl {
  const { scscf, ue, clock } = nodes;
  return {
    registration: (impu) => scscf.get<RegistrationView>(registrationPath(impu)),
    async schemeOf(impi) {
      const path = `/subscribers/${encodeURIComponent(impi)}`;
      return (await scscf.get<{ readonly scheme: "aka" | "digest" }>(path)).scheme;
    },
    async faultsThatAreOn(identities) {
      const { items } = await scscf.all<FaultView>("/faults");
      const isMeant = (impu: string | null): boolean => impu === null || identities.includes(impu);
      return items
        .filter(({ active }) => active.some(({ impu }) => isMeant(impu)))
        .map(({ name }) => name);
    },
    observe: (impu, saw, signal) => observe(scscf, impu, saw, signal),
    async reauthenticate(impu, withinSeconds) {
      await scscf.post(`${registrationPath(impu)}/reauthenticate`, {}, { withinSeconds });
    },
    async deregister(impu, cause) {
      await scscf.delete(registrationPath(impu), { cause });
    },
    async switchOn({ name, times, parameters = {} }, impu) {
      const body: FaultRequest = { impu, parameters, ...(times !== undefined && { times }) };
      await scscf.put(`/faults/${name}`, {}, body);
    },
    async switchOff(name, impu) {
      await scscf.delete(`/faults/${name}`, { impu });
    },
    async call(from, to) {
      const { callId } = await ue.post<CallView>("/call", {}, { identity: from, to });
      for (const end = clock.now() + RING_SECONDS * 1000; clock.now() < end; ) {
        await pause(clock, POLL_MS);
        const { items } = await ue.all<{ readonly calls: readonly CallView[] }>("/state");
        const call = items.flatMap(({ calls }) => calls).find((one) => one.callId === callId);
        if (call?.state === "up") return true;
        if (call === undefined || call.state === "over") return false;
      }
      await this.hangUp(from);
      return false;
    },
    async hangUp(from) {
      // A call that the other side has ended is no failure.
      await ue.post("/hangup", {}, { identity: from }).catch(() => undefined);
    },
  };
}

/** Begun with the stream's first piece: what happens from then on is in it. */
async function observe(
  scscf: AdminClient,
  impu: string,
  saw: (message: ObservedMessage) => void,
  signal: AbortSignal,
): Promise<{ readonly over: Promise<never> }> {
  const reader = new SseReader();
  const pieces = scscf
    .stream(`${registrationPath(impu)}/messages`, {}, {}, signal)
    [Symbol.asyncIterator]();
  const take = (text: string): void => {
    for (const { data } of reader.take(text)) saw(JSON.parse(data) as ObservedMessage);
  };
  const first = await pieces.next();
  if (first.done !== true) take(first.value);
  const follow = async (): Promise<never> => {
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next())
      take(next.value);
    throw new CommandFailure(EXIT.unknown, "the S-CSCF has ended the stream of messages");
  };
  return { over: follow() };
}
