// A user with a password of his own, and credentials that two readers could read differently: whom the P-CSCF binds
// is whom the S-CSCF has authenticated, or the message is refused. RFC 3261 §20.7, §22.3.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OTHER_PCSCF, TRUSTING_BOTH } from "./end-state.ts";
import { DOMAIN, type Headers, Lab, SCSCF } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";
import { stateOf } from "./stranger-state.ts";

const VICTIM = `carol@${DOMAIN}`;
const INSTANCE = "urn:uuid:00000000-0000-4000-8000-000000000001";
const ZEROES = "0".repeat(32);

/** Values beside the attacker's own answer; `n` is the nonce that he was challenged with. */
const DECOYS: readonly ((n: string) => string)[] = [
  (n) => `Foo username="${VICTIM}",nonce="${n}",response="x"`,
  (n) => `Digest2 username="${VICTIM}",realm="${DOMAIN}",nonce="${n}",response="${ZEROES}"`,
  (n) =>
    `Digest username="${VICTIM}",realm="other.example",nonce="${n}",uri="sip:x",response="${ZEROES}"`,
  (n) =>
    `Digest username="${VICTIM}",realm="${DOMAIN}",nonce="${n}",uri="sip:x",response="${ZEROES}"`,
  (n) =>
    `Digest username="${VICTIM}",realm="${DOMAIN.toUpperCase()}",nonce="${n}",uri="sip:x",response="${ZEROES}"`,
  () => `Digest username="${VICTIM}",realm="${DOMAIN}",nonce="",uri="sip:x",response=""`,
  (n) => `Digest username="${VICTIM}",nonce="${n}",response="${ZEROES}"`,
  () => `Digest username="${VICTIM}"`,
  () => `Digest\t USERNAME = "${VICTIM}" , realm = "${DOMAIN}"`,
  () => `Digest\r\n username="${VICTIM}",\r\n\trealm="${DOMAIN}"`,
  () => `Digest username="${VICTIM}",`,
  () => `Digest ,username="${VICTIM}"`,
  () => `Digest\x0busername="${VICTIM}"`,
  () => `Digest\xa0username="${VICTIM}"`,
  () => `Foo a="b", Digest username="${VICTIM}",realm="${DOMAIN}"`,
  () => `Digest username="c\\arol@${DOMAIN}",realm="${DOMAIN}"`,
  () => "Digest",
  () => "",
  () => "Basic Y2Fyb2w6cHc=",
];
/** Spellings of his own answer. */
const SPELLINGS: readonly ((own: string) => string)[] = [
  (own) => own,
  (own) => own.replace("Digest ", "dIGEST\t"),
  (own) => own.replaceAll(",", ",\r\n "),
  (own) => own.replaceAll('",', '" , '),
  (own) => `${own},username="${VICTIM}"`,
  (own) => `${own},USERNAME="${VICTIM}"`,
  (own) => `${own},username*=UTF-8''${VICTIM}`,
  (own) => `${own},`,
  (own) => own.replace(",", ",,"),
  (own) => `${own}, Digest username="${VICTIM}",realm="${DOMAIN}"`,
  (own) => own.replace("bob@", "b\\ob@"),
  (own) => `${own},integrity-protected="ip-assoc-yes"`,
];

interface Attack {
  readonly spelling: (own: string) => string;
  readonly above: readonly ((n: string) => string)[];
  readonly below: readonly ((n: string) => string)[];
  readonly contact: "own" | "victim" | "instance";
  readonly to: "own" | "victim";
  readonly expires: number;
}

const attacks = fc.record<Attack>({
  spelling: fc.constantFrom(...SPELLINGS),
  above: fc.array(fc.constantFrom(...DECOYS), { maxLength: 2 }),
  below: fc.array(fc.constantFrom(...DECOYS), { maxLength: 2 }),
  contact: fc.constantFrom("own", "victim", "instance"),
  to: fc.constantFrom("own", "own", "own", "victim"),
  expires: fc.constantFrom(600, 600, 0),
});

interface Scene {
  readonly lab: Lab;
  readonly victim: ScriptedUe;
  readonly attacker: ScriptedUe;
}

async function scene(): Promise<Scene> {
  const lab = await Lab.start({ scscf: TRUSTING_BOTH });
  const victim = await ScriptedUe.subscribed(lab, "carol", { instance: INSTANCE });
  return { lab, victim, attacker: await ScriptedUe.start(lab, "bob") };
}

/** The headers of both REGISTERs: the second with the values beside the answer. */
function headersOf({ victim, attacker }: Scene, attack: Attack): Headers {
  const { contact, to, expires } = attack;
  const contacts = {
    own: attacker.contact,
    victim: victim.contact,
    instance: attacker.contact.replace(/>.*/, `>;+sip.instance="<${INSTANCE}>"`),
  };
  return [
    ["Contact", contacts[contact]],
    ["To", `<${to === "own" ? attacker.impu : victim.impu}>`],
    ["Expires", String(expires)],
  ];
}

function valuesOf(attack: Attack, own: string): Headers {
  const nonce = /nonce="([^"]*)"/.exec(own)?.[1] ?? "";
  const values = [...attack.above, () => attack.spelling(own), ...attack.below];
  return values.map((value) => ["Authorization", value(nonce)]);
}

/** Every P-CSCF binding's IMPI is the one that the S-CSCF has at its Path. */
function expectAgreement({ lab }: Scene): void {
  for (const { token, impi } of lab.pcscf.table.all())
    for (const binding of lab.scscf.bindings.ofPath(token)) expect(binding.impi).toBe(impi);
}

describe("whatever stands beside a right answer", () => {
  test("through the P-CSCF: the victim keeps everything, and both nodes mean the same user", async () => {
    const all = await scene();
    const { lab, victim, attacker } = all;
    const before = stateOf(lab, victim);
    const seen = new Set<number>();
    fc.assert(
      fc.property(attacks, (attack) => {
        attacker.callId += "x";
        const headers = headersOf(all, attack);
        const first = attacker.ask({ headers });
        if (first.status !== 401) return;
        const { status } = attacker.ask({
          headers: [...headers, ...valuesOf(attack, attacker.answerTo(first))],
        });
        seen.add(status);
        expect([200, 400, 401, 403]).toContain(status);
        expect(stateOf(lab, victim)).toBe(before);
        expectAgreement(all);
      }),
      { numRuns: 400, seed: 1 },
    );
    expect([...seen].sort()).toEqual([200, 400]);
  });

  test("from a P-CSCF of others that passes all of it: the S-CSCF reads it by itself", async () => {
    const all = await scene();
    const { lab, victim, attacker } = all;
    const peer = await lab.peer({ at: OTHER_PCSCF });
    const before = stateOf(lab, victim);
    const victims = lab.atScscf("carol")[0]?.path[0] ?? "";
    let call = 0;
    const seen = new Set<string>();
    fc.assert(
      fc.property(attacks, fc.constantFrom(victims, "<sip:other@10.1.0.9;lr>"), (attack, path) => {
        const callId = `passed-${++call}`;
        const ask = (cseq: number, values: Headers): ReturnType<typeof lab.exchange> => {
          const headers: Headers = [
            ...headersOf(all, attack),
            ...([
              ["Call-ID", callId],
              ["CSeq", `${cseq} REGISTER`],
              ["Path", path],
            ] as const),
            ...values,
          ];
          const register = peer.request("REGISTER", `sip:${DOMAIN}`, attacker.impu, headers);
          return lab.exchange(peer, register, SCSCF, 0.02);
        };
        const named = `Digest username="${attacker.impi}",realm="${DOMAIN}",nonce="",uri="sip:x",response=""`;
        const first = ask(1, [["Authorization", named]]);
        if (path === victims) expect(first.status).toBe(403);
        if (first.status !== 401) return;
        const { status } = ask(2, valuesOf(attack, attacker.answerTo(first)));
        seen.add(`${status}`);
        expect(stateOf(lab, victim)).toBe(before);
        for (const { impi } of lab.scscf.bindings.ofPath("other")) expect(impi).toBe(attacker.impi);
      }),
      { numRuns: 300, seed: 2 },
    );
    expect([...seen].sort()).toEqual(["200", "400"]);
  });
});

describe("the takeover, step by step", () => {
  test.each(["victim", "instance"] as const)("with the Contact of %s", async (contact) => {
    const all = await scene();
    const { lab, victim, attacker } = all;
    const before = stateOf(lab, victim);
    const attack: Attack = {
      spelling: (own) => own,
      above: [(n) => `Foo username="${VICTIM}",nonce="${n}",response="x"`],
      below: [],
      contact,
      to: "own",
      expires: 600,
    };
    const headers = headersOf(all, attack);
    const named: Headers = [["Authorization", `Foo username="${VICTIM}"`]];
    const first = attacker.ask({ headers: [...headers, ...named] });
    const answer = valuesOf(attack, attacker.answerTo(first));
    expect(attacker.ask({ headers: [...headers, ...answer] }).status).toBe(200);
    // It is bound as himself, and what he then says in the victim's name is challenged.
    expect(lab.atPcscf("bob")).toMatchObject([{ impi: attacker.impi }]);
    const own = attacker.impu;
    const asVictim: Headers = [
      ["To", `<${victim.impu}>`],
      [
        "Authorization",
        `Digest username="${VICTIM}",realm="${DOMAIN}",nonce="",uri="sip:${DOMAIN}",response=""`,
      ],
    ];
    const contactLine = headers.filter(([name]) => name === "Contact");
    for (const expires of [600, 0])
      expect(attacker.ask({ expires, headers: [...contactLine, ...asVictim] }).status).toBe(401);
    expect(stateOf(lab, victim)).toBe(before);
    expect(own).not.toBe(victim.impu);
  });
});
