// A UE node and a scripted network side on one simulated wire, under the fake clock.

import { OWN_PACKAGE, type RegistrationPackage } from "@ims-lab/common/ims/events";
import { ReginfoReader } from "@ims-lab/common/ims/reginfo";
import { nullLogger } from "@ims-lab/common/platform/logger";
import { RFC_TIMERS } from "@ims-lab/common/sip/transaction/timers";
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import type { TransportName } from "@ims-lab/common/sip/transport/transport";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";
import { CALL_DEFAULTS, type CallSettings } from "../src/call/calls.ts";
import { UeNode } from "../src/node.ts";
import type { Credentials } from "../src/registration/credentials.ts";
import { CoreStack } from "../src/stack/core.ts";
import type { UserEquipment } from "../src/user-equipment.ts";
import type { UeView } from "../src/view.ts";
import { ScriptedNetwork } from "./scripted-network.ts";

const CREDENTIALS: Credentials = {
  unprompted: () =>
    'Digest username="alice",realm="example.org",nonce="",uri="sip:example.org",response=""',
  refused: () => undefined,
  answer: (challenges) =>
    challenges.length === 0
      ? { verdict: "unusable", why: "no challenge" }
      : { verdict: "valid", authorization: 'Digest response="right"', why: "" },
};

interface LabOptions {
  readonly transport?: TransportName;
  readonly event?: RegistrationPackage | "none";
  readonly credentials?: Credentials;
  readonly calls?: Partial<CallSettings>;
  readonly checkSeconds?: number;
}

export class Lab {
  readonly clock: FakeClock = new FakeClock();
  readonly wire: SimulatedNetwork = new SimulatedNetwork({ clock: this.clock });
  readonly network: ScriptedNetwork;
  readonly node: UeNode;

  constructor({
    transport = "udp",
    event = OWN_PACKAGE,
    credentials = CREDENTIALS,
    calls = {},
    checkSeconds = 0,
  }: LabOptions) {
    const proxy = { host: "192.0.2.1", port: 5060 };
    this.network = new ScriptedNetwork(
      this.clock,
      seededRandom(1),
      memoryTransport(this.wire, proxy, transport),
    );
    const random = seededRandom(2);
    this.node = new UeNode({
      clock: this.clock,
      random,
      log: nullLogger,
      perSecond: 50,
      users: [
        {
          impi: "alice@example.org",
          impu: "sip:alice@example.org",
          domain: "example.org",
          credentials,
        },
      ],
      settings: {
        proxy: { ...proxy, transport },
        expiresSeconds: 600_000,
        checkSeconds,
        subscription: { event, expiresSeconds: 600_000 },
        t1: RFC_TIMERS.t1,
        calls: { ...CALL_DEFAULTS, ...calls },
        advertised: undefined,
      },
      reginfo: new ReginfoReader({ log: nullLogger, limits: { maxXmlDepth: 16 } }),
      stackFor: () =>
        new CoreStack({
          name: "ue",
          clock: this.clock,
          random,
          transport: memoryTransport(this.wire, { host: "192.0.2.7", port: 0 }, transport),
          timers: RFC_TIMERS,
        }),
    });
  }

  get ue(): UserEquipment {
    const [ue] = this.node.ues;
    if (ue === undefined) throw new Error("no UE");
    return ue;
  }

  get view(): UeView {
    return this.ue.view;
  }

  get methods(): readonly string[] {
    return this.network.requests.map((request) => request.method);
  }

  async start(...script: ScriptedNetwork["script"]): Promise<this> {
    await this.network.listen();
    await this.node.listen();
    if (script.length > 0) this.network.script = script;
    this.node.registerAll();
    await this.pass(1);
    return this;
  }

  pass(seconds: number): Promise<void> {
    return this.clock.advanceAsync(seconds * 1000);
  }

  /** Forgets the messages so far. */
  clear(): void {
    this.network.requests.length = 0;
    this.network.notified.length = 0;
  }
}
