// A NOTIFY that has not reached its device: what happened, and who it is that does not answer. RFC 6665 §4.2.2.
import { placeOfPath } from "@ims-lab/common/ims/path";
import type { NotifyOutcome } from "@ims-lab/common/sip/event/notifier-agent";
import type { Binding } from "../registration/binding.ts";

type Failure = Exclude<NotifyOutcome, { kind: "acknowledged" }>;

export function describeFailure(outcome: Failure): string {
  switch (outcome.kind) {
    case "failed":
      return `NOTIFY answered ${outcome.status}`;
    case "timeout":
      return "NOTIFY not answered";
    case "unsent":
      return `NOTIFY not sent: ${outcome.why}`;
  }
}

/** Made by a proxy for a device that is silent (408) or whose connection has gone (RFC 5626 §5.3.1: 430). */
const FOR_THE_DEVICE: ReadonlySet<number> = new Set([408, 430]);

/** Undefined when somebody has answered for itself, or nothing could be sent. */
export function silentParty(outcome: Failure, { address }: Binding): string | undefined {
  const pcscf = placeOfPath(address.path.at(-1) ?? "");
  const device = `the device ${address.contact}`;
  const behind = pcscf === undefined ? device : `${device} behind the P-CSCF ${pcscf}`;
  switch (outcome.kind) {
    case "failed":
      return FOR_THE_DEVICE.has(outcome.status) ? behind : undefined;
    case "timeout":
      if (pcscf === undefined || outcome.isHopThere === true) return behind;
      return `the P-CSCF ${pcscf}, which has not even said 100, or ${device} behind it`;
    case "unsent":
      return undefined;
  }
}
