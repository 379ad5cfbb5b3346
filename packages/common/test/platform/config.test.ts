// Settings from four layers; each mistake is named with its key, its source and what is allowed.
import { describe, expect, it } from "vitest";
import type { TrustedPeer } from "../../src/platform/cidr.ts";
import { errorLine } from "../../src/platform/config/error.ts";
import { type LoadedConfig, loadConfig, type Settings } from "../../src/platform/config.ts";
import type { Secret } from "../../src/platform/secret.ts";
import {
  flag,
  integer,
  type ListenSettings,
  lacksAdvertise,
  listenSettings,
  oneOf,
  optional,
  ratio,
  type SchemaOf,
  seconds,
  secret,
  text,
  texts,
  trustedPeers,
} from "../../src/platform/settings.ts";

interface Config {
  readonly sip: ListenSettings;
  readonly profile: "seed" | "ts24229";
  readonly domain: string;
  readonly trustedPeers: readonly TrustedPeer[];
  readonly scscf: readonly string[];
  readonly subscription: { readonly deadlineSeconds: number; readonly warn: boolean };
  readonly http: { readonly token: Secret | undefined };
  readonly limits: { readonly contacts: number; readonly share: number };
  readonly pcap: string | undefined;
}

const schema: SchemaOf<Config> = {
  sip: listenSettings({ what: "SIP", port: 6060 }),
  profile: oneOf({ doc: "Defaults.", words: ["seed", "ts24229"], default: "seed" }),
  domain: text({ doc: "Home domain.", default: "ims.example" }),
  trustedPeers: trustedPeers({ doc: "Who may assert.", default: ["127.0.0.1:4060"] }),
  scscf: texts({
    doc: "Next hops.",
    allowed: "one or more SIP URIs",
    minItems: 1,
    accepts: (written) => written.startsWith("sip:"),
    default: ["sip:127.0.0.1:6060"],
  }),
  subscription: {
    deadlineSeconds: seconds({ doc: "Duty to subscribe.", default: 32 }),
    warn: flag({ doc: "Only report.", default: false }),
  },
  http: { token: secret({ doc: "Bearer token.", minLength: 8, env: "LAB_TOKEN" }) },
  limits: {
    contacts: integer({ doc: "Contacts per IMPI.", min: 1, max: 10, default: 4 }),
    share: ratio({ doc: "Sample.", default: 1 }),
  },
  pcap: optional(text({ doc: "Capture file.", default: "" })),
};

const settings: Settings<Config> = {
  node: "SCSCF",
  schema,
  presets: {
    key: "profile",
    values: {
      seed: { "subscription.deadlineSeconds": 32 },
      ts24229: { "subscription.deadlineSeconds": 120 },
    },
  },
  impossible: (config) =>
    lacksAdvertise(config.sip)
      ? [{ key: "sip.advertise", allowed: "an address, because sip.host is a wildcard" }]
      : [],
};

function load(
  sources: { argv?: string[]; env?: Record<string, string>; file?: string } = {},
): LoadedConfig<Config> {
  const argv = [...(sources.file === undefined ? [] : ["--config", "lab.yaml"])];
  return loadConfig(settings, {
    argv: [...argv, ...(sources.argv ?? [])],
    env: sources.env ?? {},
    readFile: (path) => {
      if (path === "lab.yaml" && sources.file !== undefined) return sources.file;
      throw new Error(`ENOENT: ${path}`);
    },
  });
}

function accepted(sources: Parameters<typeof load>[0] = {}): Config {
  const loaded = load(sources);
  if (loaded.kind !== "config") throw new Error(refused(sources).join("\n"));
  return loaded.config;
}

function refused(sources: Parameters<typeof load>[0]): string[] {
  const loaded = load(sources);
  return loaded.kind === "refused" ? loaded.errors.map(errorLine) : [];
}

describe("layers", () => {
  it("takes the schema's defaults when nothing is written", () => {
    const config = accepted();
    expect(config.sip).toEqual({ host: "127.0.0.1", port: 6060, advertise: [] });
    expect(config.http.token).toBeUndefined();
    expect(config.pcap).toBeUndefined();
    expect(config.trustedPeers).toMatchObject([{ port: 4060, network: { text: "127.0.0.1" } }]);
  });

  it("lets the environment override the file, and the command line both", () => {
    const file = "sip:\n  port: 1\nlimits: { contacts: 2 }\ndomain: file.example\n";
    const env = { SCSCF_SIP_PORT: "2", SCSCF_LIMITS_CONTACTS: "3" };
    const config = accepted({ file, env, argv: ["--sip.port", "3"] });
    expect(config.sip.port).toBe(3);
    expect(config.limits.contacts).toBe(3);
    expect(config.domain).toBe("file.example");
  });

  it("chooses defaults by profile, below everything that is written", () => {
    expect(accepted().subscription.deadlineSeconds).toBe(32);
    const env = { SCSCF_PROFILE: "ts24229" };
    expect(accepted({ env }).subscription.deadlineSeconds).toBe(120);
    const argv = ["--subscription.deadlineSeconds=7.5"];
    expect(accepted({ env, argv }).subscription.deadlineSeconds).toBe(7.5);
  });

  it("derives environment names from paths, unless a setting names its own", () => {
    const env = { SCSCF_SUBSCRIPTION_DEADLINE_SECONDS: "10", LAB_TOKEN: "12345678" };
    expect(accepted({ env }).subscription.deadlineSeconds).toBe(10);
    expect(accepted({ env }).http.token?.reveal()).toBe("12345678");
  });

  it("takes an empty variable for an unset one, and other programs' variables for theirs", () => {
    expect(accepted({ env: { SCSCF_SIP_PORT: "", PCSCF_X: "1", PATH: "/bin" } }).sip.port).toBe(
      6060,
    );
  });

  it("reads lists as comma-separated text and as a sequence", () => {
    const env = { SCSCF_SCSCF: "sip:a,sip:b", SCSCF_TRUSTED_PEERS: "10.0.0.0/8, [::1]:4060" };
    expect(accepted({ env }).scscf).toEqual(["sip:a", "sip:b"]);
    expect(accepted({ env }).trustedPeers.map(({ port }) => port)).toEqual([undefined, 4060]);
    expect(accepted({ file: "scscf: [sip:c]" }).scscf).toEqual(["sip:c"]);
  });

  it("reads the advertise list from text and from a file's mappings", () => {
    const expected = [
      { forPeers: { text: "10.0.0.0/8" }, host: "10.0.0.2", port: 4060 },
      { forPeers: { text: "0.0.0.0/0" }, host: "lab.example", port: undefined },
      { forPeers: { text: "::/0" }, host: "lab.example", port: undefined },
    ];
    const env = { SCSCF_SIP_ADVERTISE: "10.0.0.0/8=10.0.0.2:4060,lab.example" };
    expect(accepted({ env }).sip.advertise).toMatchObject(expected);
    const file = `sip:
  advertise:
    - { forPeers: 10.0.0.0/8, host: 10.0.0.2, port: 4060 }
    - { host: lab.example }`;
    expect(accepted({ file }).sip.advertise).toMatchObject(expected);
  });

  it("takes a flag alone for true", () => {
    expect(accepted({ argv: ["--subscription.warn"] }).subscription.warn).toBe(true);
    expect(accepted({ argv: ["--subscription.warn", "--sip.port", "1"] }).sip.port).toBe(1);
    expect(accepted({ argv: ["--subscription.warn", "false"] }).subscription.warn).toBe(false);
  });

  it("freezes the result to its leaves", () => {
    const config = accepted();
    expect(Object.isFrozen(config.sip)).toBe(true);
    expect(Object.isFrozen(config.trustedPeers[0]?.network)).toBe(true);
  });
});

describe("refusals", () => {
  it.each<[string, Parameters<typeof load>[0], string]>([
    [
      "a wrong type in the environment",
      { env: { SCSCF_SIP_PORT: "abc" } },
      'sip.port: "abc" (from environment SCSCF_SIP_PORT): expected a port, 0 to 65535',
    ],
    [
      "digits with something behind them",
      { argv: ["--sip.port", "5060x"] },
      'sip.port: "5060x" (from command line --sip.port): expected a port, 0 to 65535',
    ],
    [
      "a number out of range in a file",
      { file: "limits:\n  contacts: 11" },
      "limits.contacts: 11 (from file lab.yaml): expected a whole number, 1 to 10",
    ],
    [
      "a word that is none of the choices",
      { argv: ["--profile=other"] },
      'profile: "other" (from command line --profile): expected seed | ts24229',
    ],
    [
      "an unknown key in a file",
      { file: "sip:\n  prot: 5060" },
      "sip.prot: 5060 (from file lab.yaml): expected a known setting; did you mean sip.port?",
    ],
    [
      "an unknown group in a file",
      { file: "sap:\n  port: 5060" },
      'sap: {"port":5060} (from file lab.yaml): expected a known setting; see --help',
    ],
    [
      "an unknown variable with the node's prefix",
      { env: { SCSCF_SIP_PORTS: "1" } },
      'SCSCF_SIP_PORTS: "1" (from environment SCSCF_SIP_PORTS): expected a known setting; did you mean SCSCF_SIP_PORT?',
    ],
    [
      "an unknown option in another spelling",
      { argv: ["--subscription.deadline-seconds", "3"] },
      'subscription.deadline-seconds: "3" (from command line): expected a known setting; did you mean subscription.deadlineSeconds?',
    ],
    [
      "a word without an option",
      { argv: ["5060"] },
      '"5060" (from command line): expected options only: --setting value, --config FILE, --help',
    ],
    [
      "an option without its value",
      { argv: ["--sip.port", "--domain", "x"] },
      "sip.port (from command line): expected a value: a port, 0 to 65535",
    ],
    [
      "an option given twice",
      { argv: ["--sip.port", "1", "--sip.port", "2"] },
      'sip.port: "2" (from command line): expected to be given once',
    ],
    [
      "a mapping where a value belongs",
      { file: "domain: { a: 1 }" },
      'domain: [{"a":1}] (from file lab.yaml): expected text',
    ],
    [
      "one bad item of a list",
      { env: { SCSCF_SCSCF: "sip:a,b" } },
      'scscf: "sip:a,b" (from environment SCSCF_SCSCF): expected one or more SIP URIs',
    ],
    [
      "a secret that is too short, without showing it",
      { env: { LAB_TOKEN: "1234567" } },
      'http.token: "[secret]" (from environment LAB_TOKEN): expected text of at least 8 characters',
    ],
    [
      "an unreadable file",
      { argv: ["--config", "none.yaml"] },
      'config: "none.yaml" (from command line --config): expected a YAML file: ENOENT: none.yaml',
    ],
    [
      "an impossible combination",
      { env: { SCSCF_SIP_HOST: "0.0.0.0" } },
      "sip.advertise: [] (from default): expected an address, because sip.host is a wildcard",
    ],
  ])("names %s", (_what, sources, line) => {
    expect(refused(sources)).toEqual([line]);
  });

  it("names every mistake at once", () => {
    const lines = refused({
      env: { SCSCF_SIP_PORT: "x", SCSCF_NOPE: "1" },
      argv: ["--profile", "y"],
    });
    expect(lines).toHaveLength(3);
  });

  it("refuses YAML with a repeated key, with its place", () => {
    expect(refused({ file: "domain: a.example\ndomain: b.example" })[0]).toMatch(/line 2/);
  });

  it("is not fooled by the names of object prototypes", () => {
    const lines = refused({
      file: "__proto__: { port: 1 }\nconstructor: 1",
      argv: ["--toString", "1"],
    });
    expect(lines).toHaveLength(3);
  });
});

describe("--help", () => {
  it("lists each setting with its variable, default, meaning and what is allowed", () => {
    const loaded = load({ argv: ["--help"] });
    const table = loaded.kind === "help" ? loaded.text.replace(/ {2,}/g, " | ") : "";
    expect(table).toContain(
      "--sip.port | SCSCF_SIP_PORT | 6060 | Port for SIP, UDP and TCP; 0: any. (a port, 0 to 65535)",
    );
    expect(table).toContain("--http.token | LAB_TOKEN | - | Bearer token.");
    expect(table).toContain("| 32 (seed), 120 (ts24229) |");
  });

  it("wins over mistakes", () => {
    expect(load({ argv: ["--nope", "--help"] }).kind).toBe("help");
    expect(load({ argv: ["--version"] }).kind).toBe("version");
  });
});
