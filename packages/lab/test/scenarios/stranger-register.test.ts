// REGISTERs and answers that strangers send in a victim's name change nothing for the victim.
import { beforeEach, describe, expect, test } from "vitest";
import { OTHER_PCSCF, TRUSTING_BOTH } from "./end-state.ts";
import { DOMAIN, type Headers, Lab, SCSCF } from "./lab.ts";
import { ScriptedUe, secretOf } from "./scripted-ue.ts";
import { loggedDuring, stateOf } from "./stranger-state.ts";

const PHASES = ["registered", "asked", "challenged"] as const;

describe.each(PHASES)("the victim is %s", (phase) => {
  let lab: Lab;
  let victim: ScriptedUe;
  /** Speaks in the victim's name from another address. */
  let stranger: ScriptedUe;
  let before: string;

  beforeEach(async () => {
    lab = await Lab.start({ scscf: TRUSTING_BOTH });
    victim = await ScriptedUe.subscribed(lab, "carol");
    stranger = await ScriptedUe.start(lab, "carol");
    if (phase !== "registered") lab.askByScscf("carol");
    lab.pass(0.1);
    if (phase === "challenged") expect(victim.ask().status).toBe(401);
    lab.pass(1);
    before = stateOf(lab, victim);
  });

  /** The status it got; the victim is untouched, and `named` is in a log when given. */
  function expectHarmless(act: () => number, status: number, named?: string): void {
    let got = 0;
    const logged = loggedDuring(lab, () => {
      got = act();
    });
    expect(got).toBe(status);
    lab.pass(1);
    expect(stateOf(lab, victim)).toBe(before);
    if (named !== undefined) expect(logged).toContain(named);
  }

  describe("through the P-CSCF, from another flow", () => {
    test("his own Contact: challenged", () => {
      expectHarmless(() => stranger.ask().status, 401);
    });
    test("the victim's Contact: challenged", () => {
      expectHarmless(() => stranger.ask({ contact: victim.contact }).status, 401);
    });
    test("the victim's Contact and Call-ID with a CSeq that is not higher: challenged", () => {
      stranger.callId = victim.callId;
      expectHarmless(() => stranger.ask({ contact: victim.contact }).status, 401);
    });
    test("the victim's Contact with Expires 0, and `*`: challenged", () => {
      expectHarmless(() => stranger.ask({ contact: victim.contact, expires: 0 }).status, 401);
      expectHarmless(() => stranger.ask({ contact: "*", expires: 0 }).status, 401);
    });
    test("wrong answers, as often as he likes: 403 each time, and the reason is logged", () => {
      stranger.faults = { wrongRes: true };
      for (let turn = 0; turn < 5; turn++)
        expectHarmless(() => stranger.register().status, 403, "authentication.failed");
      const contact = victim.contact;
      expectHarmless(() => stranger.register({ contact }).status, 403, "authentication.failed");
    });
    test("integrity-protected of his own making counts for nothing, and is named", () => {
      for (const value of ["yes", "ip-assoc-yes", "tls-yes", "auth-done"]) {
        const authorization = `${empty()},integrity-protected="${value}"`;
        const contact = victim.contact;
        const named = value === "yes" ? "register.forged-headers" : undefined; // once a minute
        expectHarmless(() => stranger.ask({ authorization, contact }).status, 401, named);
      }
    });
    test("forged Path, Service-Route, P-Asserted-Identity: taken out, and named", () => {
      const [binding] = lab.atScscf("carol");
      const headers: Headers = [
        ["Path", binding?.path[0] ?? ""],
        ["Service-Route", victim.serviceRoute[0] ?? ""],
        ["P-Asserted-Identity", `<${victim.impu}>`],
      ];
      expectHarmless(() => stranger.ask({ headers }).status, 401, "register.forged-headers");
      const last = lab.passed("REGISTER", "P-CSCF", "S-CSCF").at(-1);
      expect(last?.texts("Path")).toHaveLength(1);
      expect(last?.text("Path")).not.toBe(binding?.path[0]);
      expect(last?.has("P-Asserted-Identity")).toBe(false);
    });
    test("the victim's Via does not lead answers or trust astray", () => {
      const via = `SIP/2.0/UDP ${victim.peer.at.host}:5060;branch=z9hG4bK-forged;rport`;
      const headers: Headers = [["Via", via]];
      expectHarmless(() => stranger.ask({ contact: victim.contact, headers }).status, 401);
    });
    test("the victim's own last answer, replayed: a new challenge, no registration", () => {
      const authorization = victim.lastAnswer;
      expectHarmless(() => stranger.ask({ authorization }).status, 401);
      const contact = victim.contact;
      expectHarmless(() => stranger.ask({ authorization, contact }).status, 401);
    });
    test("an unknown algorithm: 400", () => {
      const challenged = stranger.ask();
      const answer = stranger.answerTo(challenged).replace("algorithm=MD5", "algorithm=ROT13");
      expect(answer).toContain("ROT13");
      expectHarmless(
        () => stranger.ask({ authorization: answer }).status,
        400,
        "authentication.failed",
      );
    });
    test("a known algorithm that was not offered, with the right password: 400", () => {
      const challenged = stranger.ask().clone();
      const offer = challenged.text("WWW-Authenticate") ?? "";
      challenged.set("WWW-Authenticate", offer.replace("algorithm=MD5", "algorithm=SHA-256"));
      const authorization = stranger.answerTo(challenged);
      expect(authorization).toContain("algorithm=SHA-256");
      expectHarmless(() => stranger.ask({ authorization }).status, 400, "authentication.failed");
      const [failed] = lab.logs.scscf.named("authentication.failed");
      expect(failed?.["why"]).toBe("algorithm SHA-256, MD5 was offered");
    });
    test("a nonce that was issued to another user: 403", async () => {
      const other = await ScriptedUe.start(lab, "bob");
      // Even with the victim's right password: a nonce counts for whom it was made.
      const authorization = stranger.answerTo(other.ask());
      expectHarmless(() => stranger.ask({ authorization }).status, 403, "authentication.failed");
    });
    test("the right IMPI for somebody else's IMPU: 403, for either half", async () => {
      const other = await ScriptedUe.subscribed(lab, "bob");
      const to: Headers = [["To", `<${victim.impu}>`]];
      expectHarmless(() => other.ask({ headers: to }).status, 403, "registration.refused");
      const authorization = empty().replace("carol", "bob");
      expectHarmless(() => stranger.ask({ authorization }).status, 403, "registration.refused");
    });
  });

  describe("challenges cannot be used up", () => {
    test("ten outstanding ones: the victim's is still answerable", () => {
      const challenged = victim.ask({ contact: `<sip:carol@192.0.2.200>` });
      expect(challenged.status).toBe(401);
      before = stateOf(lab, victim);
      for (let turn = 0; turn < 10; turn++) {
        stranger.callId = `flood-${turn}`;
        expectHarmless(() => stranger.ask().status, 401);
      }
      const contact = `<sip:carol@192.0.2.200>`;
      const authorization = victim.answerTo(challenged);
      expect(victim.ask({ contact, authorization }).status).toBe(200);
    });
    test("ten outstanding ones: the victim's next attempt succeeds", () => {
      for (let turn = 0; turn < 10; turn++) {
        stranger.callId = `flood-${turn}`;
        stranger.ask();
      }
      expect(stateOf(lab, victim)).toBe(before);
      expect(victim.register().status).toBe(200);
      lab.pass(1);
      expect(lab.atScscf("carol")).toMatchObject([{ reauthentication: null }]);
    });
  });

  describe("straight to the S-CSCF", () => {
    const direct = { to: SCSCF };
    test("no trusted peer: 403, whatever it claims; named once", () => {
      const [binding] = lab.atScscf("carol");
      const authorization = `${empty()},integrity-protected="auth-done"`;
      const claims: readonly Headers[] = [
        [],
        [["Path", binding?.path[0] ?? ""]],
        [["P-Asserted-Identity", `<${victim.impu}>`]],
        [["Via", "SIP/2.0/UDP 10.1.0.1:4060;branch=z9hG4bK-pretended;rport"]],
      ];
      for (const headers of claims)
        for (const expires of [600, 0])
          expectHarmless(
            () => stranger.ask({ ...direct, headers, authorization, expires }).status,
            403,
          );
      expect(lab.logs.scscf.named("registration.refused")).toMatchObject([
        { reason: "untrusted-peer", setting: "trustedPeers" },
      ]);
    });
    test("over TCP with the P-CSCF's Via: the address decides", async () => {
      const other = await ScriptedUe.start(lab, "carol", { transport: "tcp" });
      const headers: Headers = [
        ["Via", "SIP/2.0/TCP 10.1.0.1:4060;branch=z9hG4bK-tcp;rport"],
        ["Path", lab.atScscf("carol")[0]?.path[0] ?? ""],
      ];
      expectHarmless(
        () => other.ask({ ...direct, headers, contact: victim.contact }).status,
        403,
        "registration.refused",
      );
    });
    test("from a trusted P-CSCF that may not assert: `yes` and `auth-done` are challenged", async () => {
      const peer = await lab.peer({ at: OTHER_PCSCF });
      const path = lab.atScscf("carol")[0]?.path[0] ?? "";
      for (const [turn, value] of ["yes", "auth-done", "YES"].entries()) {
        const request = peer.request("REGISTER", `sip:${DOMAIN}`, victim.impu, [
          ["Call-ID", `asserted-${turn}`],
          ["Contact", victim.contact],
          ["Expires", "600"],
          ["Path", path],
          ["Authorization", `${empty()},integrity-protected="${value}"`],
        ]);
        expectHarmless(() => lab.exchange(peer, request, SCSCF, 0.1).status, 401);
      }
    });
  });

  const empty = (): string =>
    `Digest username="carol@${DOMAIN}",realm="${DOMAIN}",nonce="",uri="sip:${DOMAIN}",response=""`;
});

describe("a card as the victim", () => {
  test.each(["AAAA", "!!!", Buffer.alloc(14, 7).toString("base64")])(
    "AUTS garbage %s: 403, the numbers stay, the victim authenticates",
    async (auts) => {
      const lab = await Lab.start();
      const victim = await ScriptedUe.subscribed(lab, "alice");
      const stranger = await ScriptedUe.start(lab, "alice");
      const before = stateOf(lab, victim);
      stranger.faults = { skipMacCheck: true };
      const answer = stranger.answerTo(stranger.ask(), secretOf("alice", stranger.impi));
      const authorization = `${answer},auts="${auts}"`;
      const logged = loggedDuring(lab, () => {
        expect(stranger.ask({ authorization }).status).toBe(403);
      });
      expect(logged).toContain("authentication.failed");
      expect(stateOf(lab, victim)).toBe(before);
      lab.askByScscf("alice");
      lab.pass(0.1);
      expect(victim.register().status).toBe(200);
      expect(lab.onlyEnd).toBe("reauthenticated");
    },
  );
});
