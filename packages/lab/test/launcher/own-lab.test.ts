// A lab of one's own: addresses, users, domain, and what of the environment counts.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LAB_DOMAIN } from "@ims-lab/common/ims/identities";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accountLines, softphoneAccount, UE_USER, ueAccount } from "../../src/launcher/accounts.ts";
import { describeStartFailure } from "../../src/launcher/child-node.ts";
import { instructions, withoutUe } from "../../src/launcher/instructions.ts";
import { labUsers } from "../../src/launcher/lab-users.ts";
import { listenersOf } from "../../src/launcher/listeners.ts";
import {
  type LabFacts,
  labPorts,
  nodeEnvironments,
  replacedVariables,
  ueCardOf,
} from "../../src/launcher/node-environments.ts";
import { type LabOptions, parseOptions } from "../../src/launcher/options.ts";
import { readSubscribers, SUBSCRIBERS_FILE } from "../../src/launcher/subscribers-file.ts";
import { UserNames } from "../../src/launcher/user-names.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "own lab ü-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function optionsOf(...argv: string[]): LabOptions {
  const parsed = parseOptions(argv);
  if (parsed.kind !== "options") throw new Error(JSON.stringify(parsed));
  return parsed.options;
}

function file(text: string): string {
  const path = join(folder, "users.yaml");
  writeFileSync(path, text);
  return path;
}

const shipped = readSubscribers(SUBSCRIBERS_FILE);
const ACCESS = { host: "127.0.0.1", port: 5060 };

function facts(overrides: Partial<LabFacts> = {}): LabFacts {
  const networks = ["127.0.0.1/8", "192.0.2.10/24", "::1/128", "fe80::1/64", "2001:db8::1/64"];
  const hep = "127.0.0.1:9";
  return {
    ports: labPorts(0),
    hep,
    subscribers: undefined,
    ue: ueAccount(shipped),
    ueCard: undefined,
    networks,
    ...overrides,
  };
}

const OWN = `subscribers:
  - impi: 262019876543210@ims.mnc001.mcc262.3gppnetwork.org
    impus: [sip:+4915112345678@ims.mnc001.mcc262.3gppnetwork.org, "tel:+4915112345678"]
    auth: { scheme: aka, k: 00112233445566778899001122334455, opc: 99887766554433221100998877665544 }
  - template:
      from: 7
      to: 9
      impi: user{n}@a.example
      impus: ["sip:user{n}@a.example"]
      auth: { scheme: digest, password: "pw{n}" }
`;

describe("addresses", () => {
  it.each<[string[], string, string | undefined, string]>([
    [[], "127.0.0.1", undefined, "sip:127.0.0.1:5060"],
    [["--host", "192.0.2.10"], "192.0.2.10", undefined, "sip:192.0.2.10:5060"],
    [["--host", "2001:db8::1"], "2001:db8::1", undefined, "sip:[2001:db8::1]:5060"],
    [
      ["--host", "0.0.0.0"],
      "0.0.0.0",
      "127.0.0.1/8=127.0.0.1,192.0.2.10/24=192.0.2.10,0.0.0.0/0=192.0.2.10",
      "sip:127.0.0.1:5060",
    ],
    [
      ["--host", "::"],
      "::",
      "::1/128=[::1],2001:db8::1/64=[2001:db8::1],::/0=[2001:db8::1]",
      "sip:[::1]:5060",
    ],
    [
      ["--host", "0.0.0.0", "--advertise", "203.0.113.7"],
      "0.0.0.0",
      "203.0.113.7",
      "sip:127.0.0.1:5060",
    ],
    [["--advertise", "2001:db8::9", "--host", "::1"], "::1", "[2001:db8::9]", "sip:[::1]:5060"],
  ])("%j", (argv, host, advertise, pcscf) => {
    const { pcscf: p, scscf, ue } = nodeEnvironments(optionsOf(...argv), facts());
    expect([p["PCSCF_ACCESS_HOST"], p["PCSCF_ACCESS_ADVERTISE"]]).toEqual([host, advertise]);
    expect(ue["UE_PCSCF"]).toBe(pcscf);
    // The nodes trust each other on loopback, whoever reaches the access side.
    expect([p["PCSCF_CORE_HOST"], scscf["SCSCF_SIP_HOST"]]).toEqual(["127.0.0.1", "127.0.0.1"]);
    expect(scscf["SCSCF_TRUSTED_PEERS"]).toBe("127.0.0.1:4060");
  });

  it("are found in the ready line, with TLS and WebSocket, and a wildcard stands for all", () => {
    const line =
      "ready pcscf access=0.0.0.0:5060 tls:5061 ws:5080 core=127.0.0.1:4060 http=http://127.0.0.1:9061";
    const found = listenersOf(line, ["127.0.0.1", "192.0.2.10"]).map(
      (l) => `${l.side} ${l.host}:${l.port}${l.transport ?? ""}`,
    );
    const hosts = ["0.0.0.0", "127.0.0.1", "192.0.2.10"];
    expect(found).toEqual([
      ...["5060", "5061tls", "5080ws"].flatMap((at) => hosts.map((host) => `access ${host}:${at}`)),
      "core 127.0.0.1:4060",
    ]);
    expect(listenersOf("ready scscf sip=[::1]:6060 http=http://127.0.0.1:9062", [])).toEqual([
      { side: "sip", host: "::1", port: 6060, transport: undefined },
    ]);
  });
});

describe("the environment", () => {
  const replaced = (env: Record<string, string>, ...argv: string[]): readonly string[] =>
    replacedVariables(nodeEnvironments(optionsOf(...argv), facts()), env);

  it.each<[string, string, string]>([
    ["PCSCF_ACCESS_PORT", "5070", "5060 (see --port-offset)"],
    ["SCSCF_PROFILE", "ts24229", "seed (see --profile)"],
    ["PCSCF_TRACE_HEP", "192.0.2.1:9060", "127.0.0.1:9 (see --hep)"],
    ["PCSCF_ACCESS_HOST", "192.0.2.10", "127.0.0.1 (see --host)"],
    ["UE_USER_K", "00", "the lab's own (see --subscribers)"],
  ])("%s is replaced, and that is said", (name, value, by) => {
    const line = `${name} of the environment does not count here: npm start sets ${by}`;
    expect(replaced({ [name]: value })).toEqual([line]);
  });

  it("counts where nothing else was asked for", () => {
    const env = {
      SCSCF_REAUTHENTICATION_DEADLINE_SECONDS: "20",
      SCSCF_DOMAIN: "a.example",
      SCSCF_SUBSCRIBERS: "/x",
      PCSCF_TRACE_PCAP: "/y",
      PCSCF_ACCESS_PORT: "5060",
      PCSCF_CORE_PORT: "",
    };
    expect(replaced(env)).toEqual([]);
    expect(replaced(env, "--fast")).toEqual([
      expect.stringMatching(/DEADLINE_SECONDS.* 8 \(see --fast\)/),
    ]);
    expect(replaced(env, "--pcap", "/z")).toEqual([expect.stringMatching(/TRACE_PCAP.*--pcap/)]);
  });

  it("names files of its own for what outlives the run, and none with --memory or in a demo", () => {
    const stores = (...argv: string[]): readonly unknown[] => {
      const { scscf, pcscf } = nodeEnvironments(optionsOf(...argv), facts());
      return [scscf["SCSCF_STORE"], pcscf["PCSCF_STORE"], ueCardOf(optionsOf(...argv), {})];
    };
    expect(stores()).toEqual([undefined, undefined, ".ims-lab/ue.json"]);
    expect(stores("--port-offset", "100")).toEqual([
      "sqlite:.ims-lab/100-scscf.db",
      "sqlite:.ims-lab/100-pcscf.db",
      ".ims-lab/100-ue.json",
    ]);
    for (const option of ["--memory", "--demo"])
      expect(stores(option, "--port-offset", "5")).toEqual(["memory", "memory", undefined]);
    // A card that remembers, at an S-CSCF that does not, would have to resynchronise.
    for (const env of [
      { SCSCF_STORE: "memory" },
      { UE_USER_SQN_FILE: "/x" },
      { UE_USER_INSTANCE: "urn:x" },
    ])
      expect(ueCardOf(optionsOf(), env)).toBeUndefined();
  });

  it("leaves N to the profile without --fast", () => {
    const nOf = (...argv: string[]): string | undefined =>
      nodeEnvironments(optionsOf(...argv), facts()).scscf[
        "SCSCF_REAUTHENTICATION_DEADLINE_SECONDS"
      ];
    expect([nOf("--profile", "ts24229"), nOf("--profile", "ts24229", "--fast")]).toEqual([
      undefined,
      "8",
    ]);
  });
});

describe("users", () => {
  it("are the shipped ones, and move to a domain", () => {
    const users = labUsers(optionsOf("--mcc", "262", "--mnc", "01"), {});
    const { impi, domain } = ueAccount(users.subscribers, users.ueUser) ?? {};
    expect([users.domain, domain]).toEqual(Array(2).fill("ims.mnc001.mcc262.3gppnetwork.org"));
    expect(impi).toBe("262010000000001@ims.mnc001.mcc262.3gppnetwork.org");
    expect(JSON.stringify(users.subscribers)).not.toMatch(/mcc001|00101/);
    const lines = accountLines(users.subscribers, users.domain, ACCESS, users.ueUser).flat();
    expect(lines.filter((line) => line.includes("mcc001") || line.includes("00101"))).toEqual([]);
    expect(lines.join()).toContain("[authentication username=262010000000001@ims.mnc001.mcc262.");
    expect(readSubscribers(users.file ?? "")).toEqual(users.subscribers);
    users.close();
    expect(readSubscribers(users.file ?? "")).toEqual([]);
    expect(labUsers(optionsOf(), { SCSCF_DOMAIN: "A.example" }).domain).toBe("a.example");
    expect(labUsers(optionsOf(), {})).toMatchObject({ domain: LAB_DOMAIN, file: undefined });
  });

  // TS 23.003 §2.2: MCC, MNC and MSIN are 15 digits together.
  it.each([
    [["--mcc", "999", "--mnc", "70"], {}, "999700000000001", "ims.mnc070.mcc999.3gppnetwork.org"],
    [["--mcc", "310", "--mnc", "410"], {}, "310410000000001", "ims.mnc410.mcc310.3gppnetwork.org"],
    [
      [],
      { IMSLAB_MCC: "310", IMSLAB_MNC: "070" },
      "310070000000001",
      "ims.mnc070.mcc310.3gppnetwork.org",
    ],
    [["--mcc", "001", "--mnc", "01"], {}, "001010000000001", LAB_DOMAIN],
    [["--domain", "a.example"], { IMSLAB_MCC: "310", IMSLAB_MNC: "070" }, UE_USER, "a.example"],
  ] as const)("are of the network %j %j, in every node", (argv, env, imsi, domain) => {
    const parsed = parseOptions(argv, env);
    if (parsed.kind !== "options") throw new Error(JSON.stringify(parsed));
    const users = labUsers(parsed.options, env);
    const account = ueAccount(users.subscribers, users.ueUser);
    expect(account).toMatchObject({ impi: `${imsi}@${domain}`, impu: `sip:${imsi}@${domain}` });
    const { scscf, pcscf, ue } = nodeEnvironments(parsed.options, facts({ ue: account }));
    expect([scscf["SCSCF_DOMAIN"], pcscf["PCSCF_ACCESS_VISITED_NETWORK_ID"]]).toEqual([
      domain,
      domain,
    ]);
    expect([ue["UE_USER_IMPI"], ue["UE_USER_IMPU"]]).toEqual([account?.impi, account?.impu]);
    users.close();
  });

  it("of a file of one's own: the network's first SIM is the lab's UE", () => {
    const text = OWN.replaceAll("262019876543210", "262010000000001");
    const users = labUsers(
      optionsOf("--mcc", "262", "--mnc", "01", "--subscribers", file(text)),
      {},
    );
    expect(ueAccount(users.subscribers, users.ueUser)?.impi).toContain("262010000000001@");
    expect(ueAccount(shipped, users.ueUser)?.impi).toContain(UE_USER);
  });

  it("come from a file, whose users are never played by the lab's UE", () => {
    const path = file(OWN);
    const { subscribers, file: forScscf } = labUsers(optionsOf("--subscribers", path), {});
    expect(forScscf).toBe(path);
    expect(ueAccount(subscribers)).toBeUndefined();
    expect(softphoneAccount(subscribers)).toMatchObject({
      impi: "user7@a.example",
      password: "pw7",
    });
    expect(withoutUe({ shownFile: path, domain: LAB_DOMAIN, ueUser: UE_USER })).toMatch(
      /need the user 001010000000001@ims.*goes on without/,
    );
    expect(labUsers(optionsOf(), { SCSCF_SUBSCRIBERS: path }).subscribers).toEqual(subscribers);
  });

  it("may be missing, or no YAML: the S-CSCF says what is wrong", () => {
    expect(readSubscribers("/nowhere")).toEqual([]);
    for (const text of ["", "subscribers: 7", "subscribers: [7, {impi: {}}]", "a: [", "- x"])
      expect(readSubscribers(file(text))).toEqual([]);
  });

  it("make the account lines", () => {
    const at = { host: "2001:db8::1", port: 5060 };
    const lines = accountLines(readSubscribers(file(OWN)), "a.example", at).map((line) =>
      line.join(" "),
    );
    expect(lines.join("\n")).toContain("auth_user=user7@a.example;auth_pass=pw7");
    expect(lines.join("\n")).toContain("sip:[2001:db8::1]:5060");
    // Without an outbound proxy linphone sends past the P-CSCF; 5060 is taken on the lab's own machine.
    expect(lines.join("\n")).toMatch(
      /^linphone .*reg_route \(outbound proxy\) sip:\S+, sip_port=-1$/m,
    );
    // SIPp knows OP, and this user has an OPc.
    expect(lines.some((line) => line.startsWith("SIPp"))).toBe(false);
    expect(accountLines([], "a.example", at)).toEqual([]);
    const programs = accountLines(shipped, LAB_DOMAIN, at).map(([program]) => program);
    expect([...new Set(programs)]).toEqual(["any", "", "baresip", "linphone", "SIPp"]);
  });

  it("have one name each", () => {
    const userNames = new UserNames([...shipped, ...readSubscribers(file(OWN))]);
    for (const [identity, name] of [
      [`sip:001010000000001@${LAB_DOMAIN}`, "alice"],
      [`001010000000001@${LAB_DOMAIN}`, "alice"],
      ["tel:+1-555-0001", "alice"],
      [`sips:bob@${LAB_DOMAIN}`, "bob"],
      ["tel:+4915112345678", "+4915112345678"],
      ["sip:somebody@elsewhere.example", "somebody"],
      ["sip:127.0.0.1:6060", undefined],
      ["urn:x", undefined],
    ] as const)
      expect([identity, userNames.nameOf(identity)]).toEqual([identity, name]);
    expect([userNames.known("alice"), userNames.known("nobody")]).toEqual(["alice", undefined]);
  });
});

describe("words", () => {
  it("say what npm start can do about a port in use, and blame nobody for a variable", () => {
    const set = new Set(["PCSCF_ACCESS_PORT"]);
    const said = (name: string): string =>
      describeStartFailure(
        `pcscf: access.port: 5060 (from environment ${name}): expected a port that nobody else uses (127.0.0.1:5060: EADDRINUSE)`,
        set,
      );
    expect(said("PCSCF_ACCESS_PORT")).toMatch(
      /5060 \(from npm start\): .*EADDRINUSE\)\n.*--port-offset/,
    );
    expect(said("PCSCF_ACCESS_TLS_PORT")).toContain("(from environment PCSCF_ACCESS_TLS_PORT)");
    const address =
      'pcscf: access.host: "192.0.2.1" (from environment X): expected an address of this machine (192.0.2.1: EADDRNOTAVAIL)';
    expect(describeStartFailure(address, set)).toContain("--host takes");
  });

  it.each<[string[], string, boolean]>([
    [[], "sip:127.0.0.1:5060", true],
    [["--host", "0.0.0.0"], "sip:192.0.2.10:5060", false],
    [["--host", "::", "--port-offset", "5"], "sip:[2001:db8::1]:5065", false],
    [["--host", "0.0.0.0", "--advertise", "203.0.113.7"], "sip:203.0.113.7:5060", false],
  ])("%j: where a device goes", (argv, uri, isLocal) => {
    const options = optionsOf(...argv);
    const lines = instructions({
      ports: labPorts(options.portOffset),
      options,
      subscribers: shipped,
      domain: LAB_DOMAIN,
      ue: ueAccount(shipped),
      ueUser: UE_USER,
      addresses: ["127.0.0.1", "192.0.2.10", "::1", "fe80::1", "2001:db8::1"],
    }).map(({ text }) => text);
    expect(lines[0]).toContain(`P-CSCF, ${uri} (`);
    expect(lines.some((line) => line.includes("--host ADDRESS"))).toBe(isLocal);
    expect(lines.some((line) => line.includes("--url"))).toBe(options.portOffset > 0);
  });
});
