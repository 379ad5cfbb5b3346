// RFC 6455 §5.2, §5.4: frames followed octet by octet, whatever they are cut into.
import { expect, test } from "vitest";
import { UnfinishedMessage } from "../../../src/sip/transport/unfinished-message.ts";

const TEXT = 0x1;
const CONTINUATION = 0x0;
const PING = 0x9;

function frame(opcode: number, length: number, isLast = true): Buffer {
  const first = (isLast ? 0x80 : 0) | opcode;
  const mask = [1, 2, 3, 4];
  const size =
    length < 126
      ? [0x80 | length]
      : length < 65_536
        ? [0x80 | 126, length >> 8, length & 0xff]
        : [0x80 | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from([first, ...size, ...mask]), Buffer.alloc(length, 0xff)]);
}

test.each([0, 1, 125, 126, 300, 65_535, 65_536, 70_000])("a frame of %i octets", (length) => {
  const octets = frame(TEXT, length);
  const message = new UnfinishedMessage();
  for (const octet of octets.subarray(0, -1)) {
    message.push(Buffer.from([octet]));
    expect(message.isOpen).toBe(true);
  }
  message.push(octets.subarray(-1));
  expect(message.isOpen).toBe(false);
});

test("a message in fragments is open until the last, whatever pings stand between", () => {
  const message = new UnfinishedMessage();
  message.push(Buffer.concat([frame(TEXT, 5), frame(TEXT, 200, false), frame(PING, 3)]));
  expect(message.isOpen).toBe(true);
  message.push(Buffer.concat([frame(CONTINUATION, 7, false), frame(PING, 0)]));
  expect(message.isOpen).toBe(true);
  message.push(frame(CONTINUATION, 0));
  expect(message.isOpen).toBe(false);
  message.push(Buffer.concat([frame(PING, 1), frame(TEXT, 9)]));
  expect(message.isOpen).toBe(false);
});
