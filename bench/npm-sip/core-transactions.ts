// The same measurement on this project's core: an endpoint on a simulated network under a fake clock.
import { nullLogger } from "@ims-lab/common/platform/logger";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import { createEndpoint } from "@ims-lab/common/sip/endpoint/endpoint";
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import { Via } from "@ims-lab/common/sip/message/fields";
import { newRequest, newResponse } from "@ims-lab/common/sip/message/message";
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";
import { OPTIONS_REQUEST, WATCHED_MS, type Watched } from "./transactions.ts";

const OWN = { host: "10.0.0.1", port: 5060 };
const PEER = { host: "10.0.0.2", port: 5060 };

export async function coreTransactions(
  provisional: number | undefined,
): Promise<Watched & { branch: string }> {
  const clock = new FakeClock();
  const network = new SimulatedNetwork({ clock, latencyMs: 0 });
  const endpoint = createEndpoint({
    name: "core",
    transports: [memoryTransport(network, OWN, "udp")],
    clock,
    random: cryptoRandom(),
    log: nullLogger,
  });
  await endpoint.listen(() => undefined);
  let branch = "";
  let answered = false;
  const port = network.bind(PEER, (bytes, from) => {
    const { message } = decode(bytes);
    branch = message?.get(Via)?.branch ?? "";
    if (message?.kind !== "request" || provisional === undefined || answered) return;
    answered = true;
    port.send(encode(newResponse(message, provisional)), from, () => undefined);
  });

  const start = clock.now();
  const seconds = (at: number): number => Math.round((at - start) / 10) / 100;
  let givenUpAfter: string | undefined;
  const request = newRequest(OPTIONS_REQUEST.method, OPTIONS_REQUEST.uri, OPTIONS_REQUEST.headers);
  endpoint.request(request, PEER, {
    onResponse: () => undefined,
    onFailure: () => {
      givenUpAfter = String(seconds(clock.now()));
    },
  });
  await clock.advanceAsync(WATCHED_MS);
  const sent = network.log.filter(({ from }) => from.host === OWN.host);
  const repeatedAfter = sent.slice(1).map(({ at }) => seconds(at));
  await endpoint.close();
  return { repeatedAfter, givenUpAfter, branch };
}
