// The holder of a binding, which a 200 may not change, whatever the S-CSCF has taken.
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, ALICE, credentials, DOMAIN, Lab, type Peer, SCSCF, UE } from "../lab.ts";

const BOB = `bob@${DOMAIN}`;
const STRANGER = { host: "192.0.2.9", port: 5060 };
const CONTACT = '<sip:alice@192.0.2.1:5060>;+sip.instance="<urn:uuid:1>"';

async function registered(): Promise<{ lab: Lab; scscf: Peer; stranger: Peer }> {
  const lab = await Lab.start();
  const scscf = await lab.peer(SCSCF);
  lab.registered(await lab.peer(UE), scscf, [["Contact", CONTACT]]);
  return { lab, scscf, stranger: await lab.peer(STRANGER) };
}

/** Everything of it that a REGISTER could change. */
function state({ pcscf }: Lab): string {
  return JSON.stringify([...pcscf.table.all()]);
}

/** One REGISTER of the stranger's, and the 200 an S-CSCF gives to it. */
function accepted(
  { lab, scscf, stranger }: Awaited<ReturnType<typeof registered>>,
  headers: readonly (readonly [string, string])[],
  answered: readonly (readonly [string, string])[],
): number | undefined {
  const given = new Set(headers.map(([name]) => name));
  const contact = given.has("Contact") ? [] : [["Contact", CONTACT] as const];
  stranger.send(lab.register(stranger, [["Call-ID", "x"], ...contact, ...headers]), ACCESS);
  lab.run();
  const register = scscf.takeRequest("REGISTER");
  const values = [["Contact", `${CONTACT};expires=600`] as const, ...answered];
  scscf.reply(newResponse(register, 200, { toTag: "s", headers: values }));
  lab.run();
  const [answer] = stranger.inbox;
  return answer?.kind === "response" ? answer.status : undefined;
}

describe("a 200 that would hand the victim's binding over: 403, one warning, nothing changes", () => {
  const ALICES = credentials("n9", "r");
  test.each([
    {
      what: "another user's identities for the victim's IMPI",
      headers: [
        ["Authorization", ALICES],
        ["To", `<sip:bob@${DOMAIN}>`],
      ],
      answered: [["P-Associated-URI", `<sip:bob@${DOMAIN}>`]],
      why: `alice@${DOMAIN} has`,
    },
    {
      what: "the victim's IMPI, from elsewhere, without an answer to any challenge",
      headers: [["Authorization", credentials()]],
      answered: [["P-Associated-URI", `<${ALICE}>`]],
      why: "and not over udp:192.0.2.9:5060",
    },
    {
      what: "nobody's credentials, from elsewhere",
      headers: [["Authorization", ""]],
      answered: [["P-Associated-URI", `<${ALICE}>`]],
      why: "and not over udp:192.0.2.9:5060",
    },
    {
      what: "the victim's identity for another IMPI, and no P-Associated-URI",
      headers: [["Authorization", credentials("n9", "r", BOB)]],
      answered: [],
      why: `${ALICE} is alice@${DOMAIN}'s`,
    },
    {
      what: "the victim's end, with nobody's credentials",
      headers: [
        ["Authorization", ""],
        ["Expires", "0"],
      ],
      answered: [["P-Associated-URI", `<${ALICE}>`]],
      why: "and not over udp:192.0.2.9:5060",
    },
  ] as const)("$what", async ({ headers, answered, why }) => {
    const all = await registered();
    const before = state(all.lab);
    expect(accepted(all, headers, answered)).toBe(403);
    expect(state(all.lab)).toBe(before);
    expect(all.lab.log.named("register.binding-of-another")).toMatchObject([
      { why: expect.stringContaining(why), source: expect.stringContaining("192.0.2.9") },
    ]);
  });

  test("`*` for another IMPI ends that IMPI's bindings alone", async () => {
    const all = await registered();
    const before = state(all.lab);
    for (const value of [credentials("n9", "r", BOB), ""])
      accepted(
        all,
        [
          ["Authorization", value],
          ["Contact", "*"],
          ["Expires", "0"],
        ],
        [],
      );
    expect(state(all.lab)).toBe(before);
  });
});

describe("what stays allowed", () => {
  test("another IMPI with the victim's Contact: a binding of its own", async () => {
    const all = await registered();
    const [before] = all.lab.pcscf.table.all();
    const headers = [
      ["Authorization", credentials("n9", "r", BOB)],
      ["To", `<sip:bob@${DOMAIN}>`],
    ] as const;
    expect(accepted(all, headers, [["P-Associated-URI", `<sip:bob@${DOMAIN}>`]])).toBe(200);
    expect(all.lab.pcscf.table.size).toBe(2);
    expect(all.lab.pcscf.table.registered(before?.token ?? "")).toEqual(before);
  });
  test("an identity that two IMPIs share (TS 23.228 §4.3.3), as the S-CSCF says", async () => {
    const all = await registered();
    const headers = [["Authorization", credentials("n9", "r", BOB)]] as const;
    expect(accepted(all, headers, [["P-Associated-URI", `<${ALICE}>`]])).toBe(200);
    expect([...all.lab.pcscf.table.all()].map(({ impi }) => impi)).toEqual([
      `alice@${DOMAIN}`,
      BOB,
    ]);
  });
  test("the user himself from elsewhere, once he has answered", async () => {
    const all = await registered();
    const headers = [["Authorization", credentials("n9", "r")]] as const;
    expect(accepted(all, headers, [["P-Associated-URI", `<${ALICE}>`]])).toBe(200);
    expect([...all.lab.pcscf.table.all()].map(({ flow }) => flow.remote.host)).toEqual([
      STRANGER.host,
    ]);
  });
});

test("credentials that name the IMPI after a first REGISTER without: the same token, unless it is another's", async () => {
  const all = await registered();
  const { lab, scscf, stranger } = all;
  const alices = [...lab.pcscf.table.all()].map(({ token }) => token);
  const path = (values: readonly (readonly [string, string])[]): string => {
    stranger.send(
      lab.register(stranger, [["Contact", CONTACT], ["Call-ID", "x"], ...values]),
      ACCESS,
    );
    lab.run();
    const register = scscf.takeRequest("REGISTER");
    const challenge = `Digest realm="${DOMAIN}",nonce="n7",algorithm=MD5,qop="auth"`;
    const headers = [["WWW-Authenticate", challenge] as const];
    scscf.reply(newResponse(register, 401, { toTag: "s", headers }));
    lab.run();
    return /sip:([^@]*)@/.exec(register.text("Path") ?? "")?.[1] ?? "";
  };
  const to = ["To", `<sip:bob@${DOMAIN}>`] as const;
  const none = path([["Authorization", ""], to]);
  expect(path([["Authorization", credentials("n7", "r", BOB)], to, ["CSeq", "2 REGISTER"]])).toBe(
    none,
  );
  expect(path([["Authorization", ""]])).toBe(alices[0]); // named by the identity and the device
  expect(path([["Authorization", credentials("n7", "r", BOB)]])).not.toBe(alices[0]);
});

test("two IMPIs that answer one challenge at once: the first has the binding, the second hears 403", async () => {
  const { lab, scscf, stranger } = await registered();
  const to = ["To", `<sip:new@${DOMAIN}>`] as const;
  const send = (authorization: string, cseq: number): SipRequest => {
    const headers = [
      ["Contact", CONTACT],
      ["Call-ID", "x"],
      ["CSeq", `${cseq} REGISTER`],
      ["Authorization", authorization],
      to,
    ] as const;
    stranger.send(lab.register(stranger, headers), ACCESS);
    lab.run();
    return scscf.takeRequest("REGISTER");
  };
  scscf.reply(
    newResponse(send("", 1), 401, {
      toTag: "s",
      headers: [["WWW-Authenticate", `Digest realm="${DOMAIN}",nonce="n7",algorithm=MD5`]],
    }),
  );
  lab.run();
  const answers = [BOB, `carol@${DOMAIN}`].map((impi, at) =>
    send(credentials("n7", "r", impi), at + 2),
  );
  expect(answers[0]?.text("Path")).toBe(answers[1]?.text("Path"));
  for (const answer of answers)
    scscf.reply(
      newResponse(answer, 200, {
        toTag: "s",
        headers: [
          ["Contact", `${CONTACT};expires=600`],
          ["P-Associated-URI", `<sip:new@${DOMAIN}>`],
        ],
      }),
    );
  lab.run();
  const statuses = stranger.inbox.map((one) => (one.kind === "response" ? one.status : 0));
  expect(statuses.sort()).toEqual([200, 401, 403]);
  expect([...lab.pcscf.table.all()].map(({ impi }) => impi)).toEqual([`alice@${DOMAIN}`, BOB]);
});
