// Mix-ups of an AKA key set: each makes AUTN look forged. TS 33.102 §6.3.3, TS 35.206.
import { deriveOpc } from "@ims-lab/common/ims/milenage";
import type { AkaCredentials } from "../subscribers/subscriber.ts";

/** Keys and numbers as a device has them that has this mixed up. */
export interface Mixup {
  readonly why: string;
  readonly k: Buffer;
  readonly opc: Buffer;
  readonly amf: Buffer;
  /** How far beyond ours its sequence numbers are, in SEQs; 0: ours will do. */
  readonly ahead: number;
}

/** Those of 3GPP's separation bit and of the published test sets; others are guessed too rarely. */
const USUAL_AMFS = ["8000", "0000", "b9b9"];
/** Below the jump that a device must refuse (TS 33.102 C.2.1). */
const AHEAD = [2 ** 16, 2 ** 27];

/** In the order in which they are met. */
export function mixupsOf(auth: AkaCredentials): readonly Mixup[] {
  const k = auth.k.reveal();
  const opc = auth.opc.reveal();
  const { amf } = auth;
  const right = { k, opc, amf, ahead: 0 };
  const amfs = USUAL_AMFS.map((hex) => Buffer.from(hex, "hex")).filter((one) => !one.equals(amf));
  return [
    ...confusedOpcs(auth).map((confused) => ({ ...right, ...confused })),
    ...amfs.map((other) => ({
      ...right,
      amf: other,
      why: `AMF: the device has ${other.toString("hex")}, the subscriber ${amf.toString("hex")}`,
    })),
    ...AHEAD.map((ahead) => ({
      ...right,
      ahead,
      why: "SQN: the network's number is behind what the device has seen, and it does not say so (AUTS)",
    })),
    { ...right, k: opc, opc: k, why: "the device has K and OPc swapped" },
    { ...right, opc: deriveOpc(k, NOTHING), why: "the device has an OP of zeros" },
    { ...right, opc: NOTHING, why: "the device has an OPc of zeros" },
  ];
}

const NOTHING = Buffer.alloc(16);

/** What a device uses for OPc when somebody mixed OP and OPc up. */
export function confusedOpcs(auth: AkaCredentials): readonly { opc: Buffer; why: string }[] {
  const opc = auth.opc.reveal();
  const twice = {
    opc: deriveOpc(auth.k.reveal(), opc),
    why: "the device takes OPc for OP (or the subscriber's opc is an OP)",
  };
  if (auth.op === undefined) return [twice];
  return [{ opc: auth.op.reveal(), why: "the device takes OP for OPc" }, twice];
}
