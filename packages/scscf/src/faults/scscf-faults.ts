// The S-CSCF's faults put together: their switches, and the ports through which they act. docs/faults.md.
import { type ScscfFaultName, scscfFaults } from "@ims-lab/common/admin-api/faults";
import { FaultSwitches } from "@ims-lab/common/faults/fault-switches";
import { FaultyWay } from "@ims-lab/common/faults/message-faults";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import type { SendRequest } from "@ims-lab/common/sip/event/sender";
import { parseUri, type Uri } from "@ims-lab/common/sip/message/uri";
import type { RequestHandler } from "@ims-lab/common/sip/transaction/user";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import { filedAs } from "../subscribers/identity.ts";
import { type RegistrationSet, setNameOf } from "../subscribers/registration-sets.ts";
import { answerFaults } from "./answer-faults.ts";
import type { ScscfFaultSwitches, ScscfFaultTools } from "./fault-tools.ts";
import { notifyFaults } from "./notify-faults.ts";
import { VectorFaults } from "./vector-faults.ts";

export interface ScscfFaultsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly directory: SubscriberDirectory;
  readonly domain: string;
  setOf(aorOrImpi: string): RegistrationSet | undefined;
  /** See `RegistrationNotifier.toldSet`. */
  toldSet: ScscfFaultTools["toldSet"];
}

/** Faults that only a user with an ISIM can be shown. */
const OF_VECTORS: ReadonlySet<ScscfFaultName> = new Set(["bad-autn", "old-sqn", "auts-ignored"]);

export interface ScscfFaults {
  readonly switches: ScscfFaultSwitches;
  readonly vectors: VectorFaults;
  /** The notifier's way out. */
  sender(bare: SendRequest): SendRequest;
  /** The way in of every request. */
  handler(bare: RequestHandler): RequestHandler;
}

/** All are off. */
export function createFaults(options: ScscfFaultsOptions): ScscfFaults {
  const { clock, random, log, directory, domain, setOf, toldSet } = options;
  const setNameOf = (uri: Uri): string => setOf(filedAs({ directory, domain }, uri))?.name ?? "";
  const switches: ScscfFaultSwitches = new FaultSwitches({
    catalogue: scscfFaults,
    clock,
    log,
    subjectOf(identity) {
      const uri = parseUri(identity);
      return (uri === undefined ? nameOfImpi(directory, identity) : setNameOf(uri)) || undefined;
    },
    unsuitable: (name, set) =>
      OF_VECTORS.has(name) && set !== undefined && !hasIsim(directory, set)
        ? "the user has a password, there is no AUTN to spoil"
        : undefined,
  });
  const vectors = new VectorFaults(switches, (impi) => nameOfImpi(directory, impi));
  const tools: ScscfFaultTools = { switches, clock, random, setNameOf, toldSet };
  return {
    switches,
    vectors,
    sender(bare) {
      const way = new FaultyWay(switches, notifyFaults(tools), bare);
      return (request, handlers) => way.pass(request, handlers);
    },
    handler(bare) {
      const way = new FaultyWay(switches, answerFaults(tools), bare);
      return (incoming) => way.pass(incoming);
    },
  };
}

/** "" for nobody's. */
function nameOfImpi(directory: SubscriberDirectory, impi: string): string {
  const subscriber = directory.byImpi(impi);
  return subscriber === undefined ? "" : setNameOf(subscriber);
}

function hasIsim(directory: SubscriberDirectory, set: string): boolean {
  return directory.byImpi(set)?.auth.scheme === "aka";
}
