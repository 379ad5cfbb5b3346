// Tokens in our own URIs. RFC 5626 §5.2.
import { expect, test } from "vitest";
import { createTokens } from "../../src/bindings/token.ts";

const tokens = createTokens(Buffer.alloc(32, 1));
const binding = tokens.ofBinding("alice@x", "contact sip:a@1");

test("the same binding has the same token, any other has another", () => {
  expect(tokens.ofBinding("alice@x", "contact sip:a@1")).toBe(binding);
  expect(tokens.ofBinding("alice@x", "contact sip:a@2")).not.toBe(binding);
  expect(tokens.ofBinding("alice@xc", "ontact sip:a@1")).not.toBe(binding);
  expect(createTokens(Buffer.alloc(32, 2)).ofBinding("alice@x", "contact sip:a@1")).not.toBe(
    binding,
  );
});

test("a dialog token is good for its own Call-ID, binding and tag only", () => {
  const token = tokens.ofDialog(binding, "call-1", "tag");
  for (const tags of [
    ["tag", "other"],
    ["other", "tag"],
  ])
    expect(tokens.bindingOf(token, "call-1", tags)).toBe(binding);
  expect(tokens.bindingOf(token, "call-1", ["tagx", ""])).toBeUndefined();
  expect(tokens.bindingOf(token, "call-2", ["tag"])).toBeUndefined();
  expect(tokens.bindingOf(token, "call-1t", ["ag"])).toBeUndefined();
  const [, mac] = token.split(".");
  const foreign = `${tokens.ofBinding("bob@x", "d")}.${mac}`;
  expect(tokens.bindingOf(foreign, "call-1", ["tag"])).toBeUndefined();
});

test.each(["", ".", binding, `${binding}.`, `${binding}.x`, "\xff.\xff"])(
  "%o is not ours",
  (text) => {
    expect(tokens.bindingOf(text, "call-1", ["tag"])).toBeUndefined();
  },
);
