// The directory with changes on top of the file: as a plain list of subscribers would have it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ChangedDirectory,
  type SubscriberChange,
} from "../../src/subscribers/changed-directory.ts";
import { parseSubscribers } from "../../src/subscribers/load.ts";
import type { Subscriber } from "../../src/subscribers/subscriber.ts";

const FILE = `
subscribers:
  - { impi: a@h, impus: ["sip:a@h", "sip:shared@h"], auth: { scheme: digest, password: x } }
  - template: { from: 1, to: 5, impi: "u{n}@h", impus: ["sip:u{n}@h"], auth: { scheme: digest, password: x } }
  - { impi: b@h, impus: ["sip:b@h", "sip:shared@h"], auth: { scheme: digest, password: x } }
  - template: { from: 1, to: 1000000000, impi: "m{n}@h", impus: ["sip:m{n}@h"], auth: { scheme: digest, password: x } }
`;
const NAMES = ["a", "b", "c", "d", "u1", "u3", "u5", "m1", "m2", "m1000000000"];

const loaded = parseSubscribers(FILE);

function fromFile(): ChangedDirectory {
  if (loaded.kind !== "loaded") throw new Error(loaded.problems.join("\n"));
  return new ChangedDirectory(loaded.directory);
}

function subscriber(name: string, alias: string): Subscriber {
  const impus = [`sip:${name}@h`, `sip:${alias}@h`].map((uri) => ({
    uri,
    aor: uri,
    barred: false,
  }));
  const known = fromFile().byImpi("a@h");
  if (known === undefined) throw new Error("nobody");
  return { impi: `${name}@h`, impus, auth: known.auth };
}

describe("a subscriber of a template", () => {
  test("replaced: found by its own identities alone, in its place", () => {
    const directory = fromFile();
    directory.apply([{ impi: "u3@h", subscriber: subscriber("new3", "x") }]);
    directory.apply([{ impi: "u3@h", subscriber: { ...subscriber("new3", "x"), impi: "u3@h" } }]);
    expect(directory.ownersOf("sip:u3@h")).toEqual([]);
    expect(directory.ownersOf("sip:new3@h").map(({ impi }) => impi)).toEqual(["u3@h"]);
    expect(directory.list(4, 1).map(({ impi }) => impi)).toEqual(["u3@h"]);
    expect(directory.size).toBe(fromFile().size);
    expect(directory.sourceOf("u3@h")).toBe("changed");
  });

  test("removed of a thousand million: gone, and those behind it move up", () => {
    const directory = fromFile();
    directory.apply([{ impi: "m2@h", subscriber: undefined }]);
    expect([directory.byImpi("m2@h"), directory.ownersOf("sip:m2@h")]).toEqual([undefined, []]);
    expect(directory.size).toBe(1_000_000_006);
    expect(directory.list(7, 2).map(({ impi }) => impi)).toEqual(["m1@h", "m3@h"]);
    expect(directory.list(1_000_000_005, 9).map(({ impi }) => impi)).toEqual(["m1000000000@h"]);
    expect(directory.sourceOf("m2@h")).toBeUndefined();
    directory.apply([{ impi: "m2@h", subscriber: fromFile().byImpi("m2@h") }]);
    expect(directory.list(7, 2).map(({ impi }) => impi)).toEqual(["m1@h", "m2@h"]);
  });
});

/** What there is, as plain lists. */
class Model {
  readonly file: ChangedDirectory = fromFile();
  readonly users = new Map(NAMES.map((name) => [`${name}@h`, this.file.byImpi(`${name}@h`)]));
  readonly added: string[] = [];

  apply({ impi, subscriber: one }: SubscriberChange): void {
    this.users.set(impi, one);
    if (this.file.byImpi(impi) !== undefined) return;
    const at = this.added.indexOf(impi);
    if (one === undefined && at >= 0) this.added.splice(at, 1);
    if (one !== undefined && at < 0) this.added.push(impi);
  }

  ownersOf(aor: string): readonly string[] {
    const all = [...this.users.values()].filter((one) => one !== undefined);
    return all
      .filter(({ impus }) => impus.some((impu) => impu.aor === aor))
      .map(({ impi }) => impi);
  }

  get size(): number {
    const gone = [...this.users].filter(([impi, one]) => !one && this.file.byImpi(impi));
    return this.file.size - gone.length + this.added.length;
  }
}

const impisIn = (list: readonly Subscriber[]): readonly string[] => list.map(({ impi }) => impi);

test("whatever is put and removed: as a list would have it", () => {
  const change = fc
    .record({
      name: fc.constantFrom(...NAMES),
      alias: fc.option(fc.constantFrom("a", "shared", "x"), { nil: undefined }),
    })
    .map(({ name, alias }) => ({
      impi: `${name}@h`,
      subscriber: alias === undefined ? undefined : subscriber(name, alias),
    }));
  const rounds = fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 6 });
  fc.assert(
    fc.property(rounds, (changes) => {
      const directory = fromFile();
      const model = new Model();
      for (const round of changes) {
        directory.apply(round);
        for (const one of round) model.apply(one);
      }
      for (const [impi, one] of model.users) expect(directory.byImpi(impi)).toEqual(one);
      for (const aor of ["a", "b", "shared", "x", "u1", "m2"].map((name) => `sip:${name}@h`))
        expect(impisIn(directory.ownersOf(aor)).toSorted()).toEqual(model.ownersOf(aor).toSorted());
      const { size, added } = model;
      expect(directory.size).toBe(size);
      expect(impisIn(directory.list(size - added.length, 99))).toEqual(added);
      const first = ["a", "b", "u1", "u2", "u3", "u4", "u5"].map((name) => `${name}@h`);
      const there = first.filter((impi) => directory.byImpi(impi));
      expect(impisIn(directory.list(0, there.length))).toEqual(there);
    }),
    { numRuns: 300 },
  );
});
