// Parts that the S-CSCF's faults are made of: the switches, whom a message is about, chance and time.
import type { ScscfFaultName } from "@ims-lab/common/admin-api/faults";
import type { FaultSwitches } from "@ims-lab/common/faults/fault-switches";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { Uri } from "@ims-lab/common/sip/message/uri";

export type ScscfFaultSwitches = FaultSwitches<ScscfFaultName>;

export interface ScscfFaultTools {
  readonly switches: ScscfFaultSwitches;
  readonly clock: Clock;
  readonly random: Random;
  /** The registration set of an identity; "" for nobody's. */
  setNameOf(uri: Uri): string;
  /** The set that a NOTIFY of ours tells its device about; undefined where a P-CSCF or a server is told. */
  toldSet(notify: SipRequest): string | undefined;
}
