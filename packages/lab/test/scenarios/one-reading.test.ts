// Requests written in every way there is: what goes on reads the same to everybody, or it goes no further. RFC 3261 §7.3.1, §18.3.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { octetsOf, someChanges, type Written } from "../../../common/test/spellings/spellings.ts";
import { TwoUsers } from "./one-reading.ts";

function withLine(written: Written, line: string): Buffer {
  const text = octetsOf(written).toString("latin1");
  const lines = written.headers.map(([name]) => name).includes("Content-Length");
  expect(lines).toBe(true);
  return Buffer.from(text.replace(/Content-Length: \d+/, line), "latin1");
}

describe("a stranger's Content-Length cuts nobody's connection", () => {
  const LOOK_ALIKES = [
    "\x0b",
    "\x0c",
    "\xa0",
    "\x85",
    "\x00",
    "\x1c",
    "\x7f",
    "\r",
    "\n",
    "\n\r",
    "\r\n ",
  ];

  test("header names that only look like it: refused, and nothing goes on", async () => {
    const users = await TwoUsers.start();
    for (const octet of LOOK_ALIKES)
      for (const written of [users.message(), users.register()]) {
        const { onward, status } = users.send(
          withLine(written, `Content-Length${octet}: ${written.body.length}`),
        );
        expect([octet, written.start.slice(0, 8), onward, status]).toEqual([
          octet,
          written.start.slice(0, 8),
          [],
          "400",
        ]);
      }
    expect(users.reachesBob()).toBe(true);
    expect(users.ended).toEqual([]);
  });

  test("each hop writes its own, however it was spelt", async () => {
    const users = await TwoUsers.start();
    for (const line of [
      "l:5",
      "L \t: 5 ",
      "content-length:\r\n\t0005",
      "Content-Length \t: 5",
      "Content-Length: 5\r\nl: 05",
      "l: 5\r\nL: 5\r\nContent-Length: 5",
    ]) {
      const { onward, status } = users.send(withLine(users.message(), line));
      expect([line, onward.length, status]).toEqual([line, 1, "200"]);
    }
    const none = octetsOf(users.message()).toString("latin1").replace("Content-Length: 5\r\n", "");
    expect(users.send(Buffer.from(none)).status).toBe("200");
    expect(users.reachesBob()).toBe(true);
  });

  test("octets behind the body go no further", async () => {
    const users = await TwoUsers.start();
    const sent = withLine(users.message(), "Content-Length: 3");
    const { onward } = users.send(sent);
    expect(onward.map((octets) => octets.toString().endsWith("\r\n\r\nhel"))).toEqual([true]);
    expect(users.reachesBob()).toBe(true);
  });
});

test("written otherwise at random: everybody reads the same in what goes on, or nothing does", {
  timeout: 60_000,
}, async () => {
  const users = await TwoUsers.start();
  let passed = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.boolean(), someChanges, (isMessage, changes) => {
      const written = isMessage ? users.message() : users.register();
      const { onward, status } = users.send(octetsOf(written, changes));
      if (onward.length > 0) passed++;
      else if (status === undefined || status >= "400") refused++;
      expect(users.ended).toEqual([]);
    }),
    { seed: 4475, numRuns: 400 },
  );
  expect(users.reachesBob()).toBe(true);
  expect(passed).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(50);
});
