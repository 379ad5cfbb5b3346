// TS 33.102 §6.3.3, TS 31.103 §7.1: what an ISIM says to AUTN, and what it keeps.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Milenage } from "@ims-lab/common/ims/milenage";
import { acceptSqn, newSqnWindow, type Sqn, sqnOf, sqnToOctets } from "@ims-lab/common/ims/sqn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Isim } from "../../src/isim/isim.ts";
import { fileSqnStore, memorySqnStore } from "../../src/isim/sqn-store.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

// TS 35.208 §4.3, test set 1.
const K = hex("465b5ce8b199b49faa5f0a2ee238a6bc");
const OPC = hex("cd63cb71954a9f4e48a5994e37a02baf");
const RAND = hex("23553cbe9637a89d218ae64dae47bf35");
const AUTN = hex("55f328b43577b9b94a9ffac354dfafb3");
const SQN = 0xff9bb4d0b607;
const RES = "a54211d5e3ba50bf";

const network = new Milenage(K, OPC);
const autnOf = (sqn: Sqn, amf = "8000"): Buffer =>
  network.autn(RAND, sqnToOctets(sqn), hex(amf), network.keys(RAND).ak);

describe("TS 35.208 §4.3 set 1", () => {
  const justBefore = newSqnWindow(SQN - 32);
  test("RES, CK, IK", () => {
    const answer = new Isim(K, OPC, memorySqnStore(justBefore)).authenticate(RAND, AUTN);
    expect(answer.kind === "answer" && answer.res.toString("hex")).toBe(RES);
    expect(answer.kind === "answer" && answer.ck.toString("hex")).toBe(
      "b40ba9a3c58b2a05bbf0d987b21bf8cb",
    );
    expect(answer.kind === "answer" && answer.ik.toString("hex")).toBe(
      "f769bcd751044604127672711c6d3441",
    );
  });
  test("AUTS of a card that has seen ff9bb4d0b627", () => {
    const card = new Isim(K, OPC, memorySqnStore(newSqnWindow(0xff9bb4d0b627)));
    const answer = card.authenticate(RAND, AUTN);
    expect(answer.kind === "sync-failure" && answer.auts.toString("hex")).toBe(
      "ba853f3c121cb55edb820040ab41",
    );
  });
});

describe("TS 33.102 §6.3.3: the card", () => {
  test.each(["0000", "8000", "b9b9"])("takes AMF %s", (amf) => {
    const card = new Isim(K, OPC, memorySqnStore());
    expect(card.authenticate(RAND, autnOf(sqnOf(1, 1), amf)).kind).toBe("answer");
  });
  test.each(Array.from({ length: 16 }, (_, at) => at))("refuses octet %i changed", (at) => {
    const autn = autnOf(sqnOf(1, 1));
    autn[at] = (autn[at] ?? 0) ^ 1;
    const store = memorySqnStore();
    expect(new Isim(K, OPC, store).authenticate(RAND, autn).kind).toBe("mac-failure");
    expect(store.load()).toBeUndefined();
  });
  test("looks at MAC before SQN", () => {
    const autn = autnOf(sqnOf(1, 1));
    const card = new Isim(K, OPC, memorySqnStore(newSqnWindow(sqnOf(900, 0))));
    expect(card.authenticate(RAND, autn).kind).toBe("sync-failure");
    autn[15] = (autn[15] ?? 0) ^ 1;
    expect(card.authenticate(RAND, autn).kind).toBe("mac-failure");
  });
  test("takes a vector once, and out of order by IND", () => {
    const card = new Isim(K, OPC, memorySqnStore());
    expect(card.authenticate(RAND, autnOf(sqnOf(7, 2))).kind).toBe("answer");
    expect(card.authenticate(RAND, autnOf(sqnOf(7, 2))).kind).toBe("sync-failure");
    expect(card.authenticate(RAND, autnOf(sqnOf(6, 1))).kind).toBe("answer");
  });
});

describe("faults", () => {
  const ask = (faults: Parameters<Isim["authenticate"]>[2], autn = autnOf(sqnOf(1, 1))): string => {
    const answer = new Isim(K, OPC, memorySqnStore()).authenticate(RAND, autn, faults);
    return answer.kind === "answer" ? answer.res.toString("hex") : answer.kind;
  };
  test("skip the MAC check", () => {
    const forged = Buffer.concat([autnOf(sqnOf(1, 1)).subarray(0, 8), Buffer.alloc(8)]);
    expect(ask({}, forged)).toBe("mac-failure");
    expect(ask({ skipMacCheck: true }, forged)).toBe(RES);
  });
  test("wrong RES, forced AUTS, rejected AUTN", () => {
    expect(ask({})).toBe(RES);
    expect(ask({ wrongRes: true })).not.toBe(RES);
    expect(ask({ forceAuts: true })).toBe("sync-failure");
    expect(ask({ rejectAutn: true })).toBe("mac-failure");
  });
});

describe("the numbers in a file", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "isim-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("outlive the process", () => {
    const path = join(folder, "deep", "alice.json");
    expect(new Isim(K, OPC, fileSqnStore(path)).authenticate(RAND, autnOf(sqnOf(7, 2))).kind).toBe(
      "answer",
    );
    const restarted = new Isim(K, OPC, fileSqnStore(path));
    expect(restarted.authenticate(RAND, autnOf(sqnOf(7, 2))).kind).toBe("sync-failure");
    expect(restarted.authenticate(RAND, autnOf(sqnOf(8, 3))).kind).toBe("answer");
    expect(readFileSync(path, "utf8")).toContain(`"highest":${sqnOf(8, 3)}`);
  });
  test.each(["", "{}", '{"seqs":[1],"highest":1}', '{"seqs":[],"highest":"x"}', "null"])(
    "are not guessed from %j",
    (text) => {
      const path = join(folder, "broken.json");
      writeFileSync(path, text);
      expect(() => new Isim(K, OPC, fileSqnStore(path))).toThrow(/broken\.json: not an ISIM's/);
    },
  );
  test("read what they wrote", () => {
    const path = join(folder, "one.json");
    const window = acceptSqn(newSqnWindow(), sqnOf(3, 9)) ?? newSqnWindow();
    fileSqnStore(path).save(window);
    expect(fileSqnStore(path).load()).toEqual(window);
  });
});
