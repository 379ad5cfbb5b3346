// Remembered datagram flows are bounded, and a forgotten one comes back under the same id.
import { expect, test } from "vitest";
import { FlowCache } from "../../../src/sip/transport/flow-cache.ts";

const LOCAL = { host: "::1", port: 5060 };

test("a million remote addresses cost a bounded number of flows", () => {
  const cache = new FlowCache("udp", LOCAL, 100);
  const { id } = cache.get("::2", 1);
  for (let port = 2; port < 10_000; port++) cache.get("::2", port);
  expect(cache.size).toBeLessThanOrEqual(100);
  expect(cache.get("::2", 1).id).toBe(id);
  expect(id).toBe("udp [::1]:5060 [::2]:1");
});

test("a flow in use stays the same object while strangers pass by", () => {
  const cache = new FlowCache("udp", LOCAL, 100);
  const flow = cache.get("::2", 1);
  for (let port = 2; port < 1000; port++) {
    cache.get("::2", port);
    if (port % 10 === 0) expect(cache.get("::2", 1)).toBe(flow);
  }
});
