// The UE's TCP connection breaks again and again while it is asked to register: it is found all the same. RFC 5626 §4.2, §4.5.
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { describe, expect, test } from "vitest";
import { ACCESS, Lab } from "./lab.ts";

/** Each is another latency, other moments of the breaks; sides take turns in asking. */
const SEEDS = [...Array.from({ length: 40 }, (_, index) => index + 1), 341, 375];

/** The UE of TS 24.229 has N = 600 s and takes half of it. */
const MIXES = [
  { profile: "seed", expires: "registration", settled: 200 },
  { profile: "seed", expires: "unlimited", settled: 200 },
  { profile: "ts24229", expires: "registration", settled: 1500 },
] as const;

describe.each(MIXES)("$profile, Expires as $expires", ({ profile, expires, settled }) => {
  test.each(SEEDS)("two to five breaks within three seconds, seed %i", async (seed) => {
    const random = seededRandom(seed);
    const latencyMs = 50 + Math.floor(random.fraction() * 250);
    const { lab, alice } = await Lab.withAlice({ profile, transport: "tcp", latencyMs, expires });
    if (profile === "ts24229" || seed % 2 === 0) lab.askByScscf("alice");
    else lab.askByPcscf("alice");
    const within = 1 + random.fraction() * 2;
    const breaks = 2 + Math.floor(random.fraction() * 4);
    const moments = Array.from({ length: breaks }, () => random.fraction() * within);
    let now = 0;
    for (const moment of moments.sort((a, b) => a - b)) {
      lab.pass(moment - now);
      now = moment;
      lab.network.breakStreams({ to: ACCESS });
    }
    lab.pass(settled);
    const ends = new Set(lab.reauthentications.map(({ end }) => end));
    expect(ends).toEqual(new Set(["reauthenticated"]));
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
    expect(lab.logs.scscf.named("registration.removed")).toEqual([]);
  });
});
