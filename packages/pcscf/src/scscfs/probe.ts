// OPTIONS to an S-CSCF: any answer but 503 means that it serves. RFC 3261 §11.
import type { Random } from "@ims-lab/common/platform/random";
import type { Endpoint } from "@ims-lab/common/sip/endpoint/endpoint";
import { newRequest } from "@ims-lab/common/sip/message/message";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";
import { knownUri } from "../sides/sides.ts";
import type { Probe } from "./scscf-pool.ts";

export interface ProbeOptions {
  readonly core: Endpoint;
  readonly random: Random;
  /** Our core URI as this S-CSCF knows it. */
  ownUri(scscf: string): string;
}

export function optionsProbe({ core, random, ownUri }: ProbeOptions): Probe {
  return (scscf, done) => {
    const to = destinationOf(knownUri(scscf));
    if (to === undefined) return { abandon: () => undefined }; // the schema lets none such through
    const request = newRequest("OPTIONS", scscf, [
      ["Max-Forwards", "0"],
      ["From", `<${ownUri(scscf)}>;tag=${random.hex(8)}`],
      ["To", `<${scscf}>`],
      ["Call-ID", random.hex(16)],
      ["CSeq", "1 OPTIONS"],
    ]);
    return core.request(request, to, {
      onResponse: ({ status }) => {
        if (status >= 200) done(status !== 503);
      },
      onFailure: () => done(false),
    });
  };
}
