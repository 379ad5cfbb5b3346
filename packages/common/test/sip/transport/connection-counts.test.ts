// Connections counted by source.
import { expect, test } from "vitest";
import { ConnectionCounts } from "../../../src/sip/transport/connection-counts.ts";

test("an IPv6 host is one source, whichever address of its /64 it connects from", () => {
  const counts = new ConnectionCounts();
  counts.accepted("2001:db8::1", "a");
  counts.accepted("2001:db8::2", "b");
  counts.accepted("2001:db8:0:1::1", "c");
  expect(counts.of("2001:db8::3")).toEqual({ open: 2, silent: 2 });
  counts.heard("2001:db8::2", "b");
  counts.gone("2001:db8::1", "a");
  expect(counts.of("2001:db8::3")).toEqual({ open: 1, silent: 0 });
  counts.gone("2001:db8::2", "b");
  expect(counts.of("2001:db8::3")).toEqual({ open: 0, silent: 0 });
});
