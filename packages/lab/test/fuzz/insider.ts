// Somebody both CSCFs trust who says damaged things: the corpus, and what others have said before.
import { systemClock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import { transportOf } from "@ims-lab/common/sip/transport/listeners";
import type { Transport } from "@ims-lab/common/sip/transport/transport";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { SIP_CORPUS } from "./corpus.ts";
import type { Faults } from "./faults.ts";
import { damage } from "./live-mutations.ts";
import { INSIDER, INSIDER_PORTS, LIVE_HOST } from "./live-nodes.ts";
import { mutate, pick } from "./mutate.ts";

/** Believed from who may assert (TS 24.229 §5.4.1.2.2): no challenge. */
const ASSERTED = /^(Authorization: Digest )/im;

export class Insider {
  readonly #transports: readonly Transport[];
  readonly #faults: Faults;

  private constructor(transports: readonly Transport[], faults: Faults) {
    this.#transports = transports;
    this.#faults = faults;
  }

  static async open(faults: Faults): Promise<Insider> {
    const tools = {
      clock: systemClock(),
      log: memoryLogger(),
      tls: { key: undefined, cert: undefined, ca: undefined },
    };
    const transports = (["udp", "tcp"] as const).map((name) =>
      transportOf(name, { host: INSIDER, port: 0 }, tools),
    );
    const ignore = (): void => undefined;
    for (const transport of transports)
      await transport.listen({ onMessage: ignore, onClosed: ignore, onRejected: ignore });
    return new Insider(transports, faults);
  }

  /** One message. @param passed what the nodes have said to each other */
  sayOne(passed: readonly Buffer[], random: Random): void {
    const bytes = damagedOne(passed, random);
    const transport = pick(this.#transports, random);
    const port = pick(INSIDER_PORTS, random);
    this.#faults.reached(port === INSIDER_PORTS[0] ? "live pcscf" : "live scscf", bytes);
    transport.send(bytes, transport.flowTo({ host: LIVE_HOST, port }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }
}

function damagedOne(passed: readonly Buffer[], random: Random): Buffer {
  if (passed.length === 0 || random.fraction() < 0.3)
    return mutate(pick(SIP_CORPUS, random), random);
  const said = pick(passed, random);
  const text = said.toString("latin1");
  const asserted =
    random.fraction() < 0.3
      ? Buffer.from(text.replace(ASSERTED, '$1integrity-protected="yes",'), "latin1")
      : said;
  // As it was, now and then: only who says it is another.
  return random.fraction() < 0.2 ? asserted : damage(asserted, passed, random);
}
