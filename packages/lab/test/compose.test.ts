// docker-compose.yml: what it writes for the nodes is what they take, its names stand in the docs, and a cluster is one profile away.
import { readFileSync } from "node:fs";
import { loadConfig } from "@ims-lab/common/platform/config";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { settings as pcscfSettings } from "../../pcscf/src/config.ts";
import { settings as scscfSettings } from "../../scscf/src/config.ts";
import { ueSettings } from "../../ue/src/config.ts";
import { labFiles } from "../src/compose/lab-files.ts";

interface Service {
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<
    Record<string, { readonly condition: string; readonly required?: boolean }>
  >;
  readonly networks?: { readonly ims: { readonly ipv4_address: string } };
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

function textOf(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
}

const TEXT = textOf("docker-compose.yml");
const { services, volumes } = parse(TEXT, { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const FOLDER = "/var/lib/ims-lab";
const NODES = {
  scscf: scscfSettings,
  scscf2: scscfSettings,
  pcscf: pcscfSettings,
  ue: ueSettings,
} as const;

/** `${NAME:-default}` as compose reads it, without that variable. */
function resolved(text: string): string {
  return text.replace(/\$\{\w+:-([^}]*)\}/g, "$1");
}

function environmentOf(name: string): Record<string, string> {
  const entries = Object.entries(services[name]?.environment ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, resolved(value)]));
}

/** What a node makes of its environment and of the file that was written for it. */
function configOf(
  name: keyof typeof NODES,
  files: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const [, , ...argv] = services[name]?.command ?? [];
  const loaded = loadConfig<object>(NODES[name], {
    argv,
    env: environmentOf(name),
    readFile: (path) => files[path.replace(`${FOLDER}/`, "")] ?? "not there",
  });
  if (loaded.kind !== "config") throw new Error(`${name}: ${JSON.stringify(loaded)}`);
  return loaded.config as Record<string, unknown>;
}

const hostOf = (name: string): string =>
  resolved(services[name]?.networks?.ims.ipv4_address ?? "none");

describe("the default", () => {
  const files = labFiles({}, FOLDER, false);

  test("one of each node, whose registrations are in volumes", () => {
    const started = Object.keys(services).filter((name) => services[name]?.profiles === undefined);
    expect(started).toEqual(["setup", "scscf", "pcscf", "ue"]);
    expect(configOf("scscf", files)).toMatchObject({
      store: "sqlite:/var/lib/ims-lab-state/scscf.db",
      cluster: { name: "" },
    });
    expect(configOf("pcscf", files)).toMatchObject({
      store: "sqlite:/var/lib/ims-lab-state/pcscf.db",
      scscf: [`sip:${hostOf("scscf")}:6060`],
      cluster: { name: "" },
    });
    for (const name of ["scscf", "pcscf", "ue"])
      expect(services[name]?.volumes).toEqual([`token:${FOLDER}:ro`, `${name}:${FOLDER}-state`]);
    expect(configOf("ue", files)).toMatchObject({
      user: {
        impi: "001010000000001@ims.mnc001.mcc001.3gppnetwork.org",
        sqnFile: `${FOLDER}-state/ue.json`,
      },
    });
  });

  test("a store of one's own", () => {
    const stores = { IMSLAB_SCSCF_STORE: "memory", IMSLAB_PCSCF_STORE: "sqlite:/tmp/p.db" };
    const own = labFiles(stores, FOLDER, false);
    expect(configOf("scscf", own)).toMatchObject({ store: "memory" });
    expect(configOf("pcscf", own)).toMatchObject({ store: "sqlite:/tmp/p.db" });
  });

  test("IMSLAB_MCC and IMSLAB_MNC: domain, users and the UE's SIM", () => {
    const own = labFiles({ IMSLAB_MCC: "999", IMSLAB_MNC: "70" }, FOLDER, false);
    const domain = "ims.mnc070.mcc999.3gppnetwork.org";
    const scscf = configOf("scscf", own);
    expect(scscf).toMatchObject({ domain, subscribers: `${FOLDER}/subscribers.yaml` });
    expect(own["subscribers.yaml"]).toContain(`impi: 999700000000001@${domain}`);
    expect(own["subscribers.yaml"]).not.toContain("mcc001");
    expect(configOf("pcscf", own)).toMatchObject({ access: { visitedNetworkId: domain } });
    expect(configOf("ue", own)).toMatchObject({
      user: { impi: `999700000000001@${domain}`, impu: `sip:999700000000001@${domain}` },
    });
  });

  test.each([
    [{ IMSLAB_MCC: "26", IMSLAB_MNC: "01" }, /IMSLAB_MCC=26: expected three digits/],
    [{ IMSLAB_MNC: "01" }, /IMSLAB_MCC, IMSLAB_MNC: .* give both/],
  ])("refuses %o", (env, why) => {
    expect(() => labFiles(env, FOLDER, false)).toThrow(why);
  });
});

describe("the profile cluster", () => {
  const files = labFiles({ IMSLAB_SUBNET: "172.30.99" }, FOLDER, true);
  const name = "scscf.ims.mnc001.mcc001.3gppnetwork.org";

  test("adds a Redis, a second S-CSCF, and what makes the first one a node with it", () => {
    const added = Object.keys(services).filter((each) => services[each]?.profiles !== undefined);
    expect(added.sort()).toEqual(["cluster", "redis", "scscf2"]);
    for (const each of added) expect(services[each]?.profiles).toEqual(["cluster"]);
    for (const node of ["scscf", "scscf2"] as const)
      expect(configOf(node, files)).toMatchObject({
        store: `redis://${hostOf("redis")}:6379`,
        cluster: { name },
        sip: { host: hostOf(node) },
      });
    expect(configOf("pcscf", files)).toMatchObject({
      scscf: [`sip:${hostOf("scscf")}:6060`, `sip:${hostOf("scscf2")}:6060`],
      cluster: { name },
    });
  });

  test("is awaited where it runs, and not missed where it does not", () => {
    for (const node of ["scscf", "pcscf", "ue"])
      expect(services[node]?.depends_on?.["cluster"]).toEqual({
        condition: "service_completed_successfully",
        required: false,
      });
    expect(services["pcscf"]?.depends_on?.["scscf2"]?.required).toBe(false);
    expect(services["cluster"]?.depends_on).toEqual({
      setup: { condition: "service_completed_successfully" },
      redis: { condition: "service_healthy" },
    });
  });
});

test("what each service depends on and mounts is there, and no two share an address or a port", () => {
  for (const service of Object.values(services)) {
    for (const other of Object.keys(service.depends_on ?? {}))
      expect(services).toHaveProperty(other);
    for (const mount of service.volumes ?? [])
      expect(volumes).toHaveProperty(mount.replace(/:.*/, ""));
  }
  const addresses = Object.keys(services).map(hostOf);
  const ports = Object.values(services).flatMap(({ ports: published = [] }) =>
    published.map((port) => resolved(port).replace(/:\d+(\/\w+)?$/, "$1")),
  );
  for (const list of [addresses.filter((host) => host !== "none"), ports])
    expect(new Set(list).size).toBe(list.length);
});

test("every variable is in docs/operations.md", () => {
  const docs = textOf("docs/operations.md");
  const variables = new Set([...TEXT.matchAll(/\$\{(\w+):-/g)].map(([, variable]) => variable));
  expect(variables.size).toBeGreaterThan(10);
  expect([...variables].filter((variable) => !docs.includes(`\`${variable}\``))).toEqual([]);
});
