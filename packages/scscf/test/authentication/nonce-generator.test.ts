// Nonces that prove themselves: who issued them, when, and for whom.
import { type Random, randomFrom } from "@ims-lab/common/platform/random";
import { expect, test } from "vitest";
import { NonceGenerator } from "../../src/authentication/nonce-generator.ts";

const NOW = 1_700_000_000_000;
const SECRET = Buffer.alloc(32, 7);
/** Of a nonce: time and random, whose it is, MAC. */
const STAMP = 25;
const OWNED = 33;
const LENGTH = 55;

/** The same draws each time. */
function counting(): Random {
  let next = 0;
  return randomFrom((block) => {
    for (let at = 0; at < block.length; at++) block[at] = next++ % 251;
  });
}

const generator = (secret = SECRET): NonceGenerator => new NonceGenerator(counting(), secret);

test("a nonce is its user's, and says when it was issued", () => {
  const nonces = generator();
  const nonce = nonces.nonce("alice@ims.test", NOW + 0.7);
  expect(nonce).toHaveLength(LENGTH);
  expect(nonces.readNonce(nonce, "alice@ims.test")).toEqual({ issuedAt: NOW, isOwn: true });
});

test("another user's nonce is known as one of ours, and as not his", () => {
  const nonces = generator();
  const nonce = nonces.nonce("alice@ims.test", NOW);
  expect(nonces.readNonce(nonce, "bob@ims.test")).toEqual({ issuedAt: NOW, isOwn: false });
});

test("a nonce of which any character is another was not made here, nor one that is longer or shorter", () => {
  const nonces = generator();
  const nonce = nonces.nonce("alice@ims.test", NOW);
  const read = (changed: string): unknown => nonces.readNonce(changed, "alice@ims.test");
  for (let at = 0; at < nonce.length; at++) {
    const other = nonce[at] === "x" ? "y" : "x";
    expect(read(`${nonce.slice(0, at)}${other}${nonce.slice(at + 1)}`), `at ${at}`).toBeUndefined();
  }
  expect(read(`${nonce}A`)).toBeUndefined();
  expect(read(nonce.slice(0, -1))).toBeUndefined();
});

test("with the same secret nonces outlive a process, with another none does", () => {
  const nonce = generator().nonce("alice@ims.test", NOW);
  expect(generator().readNonce(nonce, "alice@ims.test")?.isOwn).toBe(true);
  const other = generator(Buffer.alloc(32, 8));
  expect(other.readNonce(nonce, "alice@ims.test")).toBeUndefined();
});

test("whose a nonce is shows to nobody without the secret: not by a user's nonces, nor by trying names", () => {
  const nonces = generator();
  const [one, two] = [1, 2].map(() => nonces.nonce("alice@ims.test", NOW).slice(STAMP, OWNED));
  expect(one).not.toBe(two);
  // The same time, draws and name: what says whose it is differs by the secret alone.
  const elsewhere = generator(Buffer.alloc(32, 8)).nonce("alice@ims.test", NOW);
  const here = generator().nonce("alice@ims.test", NOW);
  expect(elsewhere.slice(0, STAMP)).toBe(here.slice(0, STAMP));
  expect(elsewhere.slice(STAMP, OWNED)).not.toBe(here.slice(STAMP, OWNED));
});
