// Identities of TS 23.003, P-headers of RFC 3325 and RFC 7315, the event packages' table.
import { describe, expect, it } from "vitest";
import {
  chargingVectorsOf,
  formatChargingVector,
  newChargingVector,
  parseChargingVector,
} from "../../src/ims/charging-vector.ts";
import {
  DEFAULT_EXPIRES,
  DEREGISTRATIONS,
  isRegistrationPackage,
  UNLIMITED_EXPIRES,
} from "../../src/ims/events.ts";
import { homeDomain, LAB_DOMAIN } from "../../src/ims/identities.ts";
import { assertedIdentities, identityList, visitedNetworkId } from "../../src/ims/p-headers.ts";
import { newRequest } from "../../src/sip/message/message.ts";
import { formatUri } from "../../src/sip/message/uri.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";

describe("TS 23.003 §13: identities", () => {
  it("home domains", () => {
    expect(LAB_DOMAIN).toBe("ims.mnc001.mcc001.3gppnetwork.org");
    expect(homeDomain("310", "410")).toBe("ims.mnc410.mcc310.3gppnetwork.org");
  });
});

describe("P-headers", () => {
  it("RFC 3325 §9.1: one SIP and one tel identity", () => {
    const request = newRequest("INVITE", "sip:b@c", [
      ["P-Asserted-Identity", '"A" <sip:a@b>, <tel:+1555>, <sip:other@b>'],
    ]);
    expect(assertedIdentities(request).map(formatUri)).toEqual(["sip:a@b", "tel:+1555"]);
    expect(identityList(["sip:a@b", "tel:+1555"])).toBe("<sip:a@b>, <tel:+1555>");
  });

  it("RFC 7315 §4.3: visited network", () => {
    expect(visitedNetworkId("lab.test")).toBe("lab.test");
    expect(visitedNetworkId("the lab")).toBe('"the lab"');
  });

  it("RFC 7315 §4.6: P-Charging-Vector there and back", () => {
    const vector = newChargingVector(seededRandom(), "2001:db8::1", "lab.test");
    expect(vector.icid).toMatch(/^[0-9a-f]{32}$/);
    const text = formatChargingVector({ ...vector, termIoi: "home.test" });
    expect(text).toContain(";icid-generated-at=[2001:db8::1];");
    expect(parseChargingVector(text)).toMatchObject({
      icid: vector.icid,
      generatedAt: "2001:db8::1",
      origIoi: "lab.test",
      termIoi: "home.test",
    });
    const next = chargingVectorsOf(seededRandom(), "2001:db8::1", "lab.test");
    expect(next()).toBe(formatChargingVector(vector));
    expect(next()).not.toContain(vector.icid);
    expect(parseChargingVector("orig-ioi=x")).toBeUndefined();
    expect(parseChargingVector("icid-value")).toBeUndefined();
  });
});

describe("docs/events.md: the two packages", () => {
  it("names and durations", () => {
    expect(DEFAULT_EXPIRES).toEqual({ "network-initiated-reregistration": 3600, reg: 3761 });
    expect(isRegistrationPackage("presence")).toBe(false);
    expect(UNLIMITED_EXPIRES).toBe(4_294_967_295);
  });

  it.each([
    ["deadline", "expired", "noresource"],
    ["not-subscribed", "expired", "noresource"],
    ["displaced", "deactivated", "deactivated"],
    ["expired", "expired", "noresource"],
    ["deactivated", "deactivated", "deactivated"],
    ["rejected", "rejected", "rejected"],
    ["probation", "probation", "probation"],
    ["unregistered", "unregistered", "noresource"],
  ] as const)("%s: contact %s, reason %s", (cause, contactEvent, reason) => {
    expect(DEREGISTRATIONS[cause]).toEqual({
      contactEvent,
      reason,
      retryAfter: cause === "probation",
    });
  });
});
