// Settings of the S-CSCF: defaults, profiles, fixed names, refusals. §4.
import { type LoadedConfig, loadConfig } from "@ims-lab/common/platform/config";
import { expect, test } from "vitest";
import { type ScscfConfig, settings } from "../src/config.ts";

function load(
  env: Readonly<Record<string, string>>,
  argv: readonly string[] = [],
): LoadedConfig<ScscfConfig> {
  return loadConfig(settings, { argv, env, readFile: () => "" });
}
function config(env: Readonly<Record<string, string>>): ScscfConfig {
  const loaded = load(env);
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

test("the fixed environment names", () => {
  const { sip, http, domain, profile, subscribers, store, trustedPeers } = config({
    SCSCF_SIP_HOST: "0.0.0.0",
    SCSCF_SIP_PORT: "6070",
    SCSCF_SIP_ADVERTISE: "scscf.example",
    SCSCF_HTTP_PORT: "9072",
    SCSCF_DOMAIN: "home.example",
    SCSCF_PROFILE: "ts24229",
    SCSCF_SUBSCRIBERS: "/etc/users.yaml",
    SCSCF_STORE: "memory",
    SCSCF_TRUSTED_PEERS: "10.0.0.0/8,192.0.2.1:4060",
  });
  expect([sip.host, sip.port, sip.advertise[0]?.host]).toEqual(["0.0.0.0", 6070, "scscf.example"]);
  expect([http.port, domain, profile]).toEqual([9072, "home.example", "ts24229"]);
  expect([subscribers, store]).toEqual(["/etc/users.yaml", "memory"]);
  expect(trustedPeers.map(({ port }) => port)).toEqual([undefined, 4060]);
});

test.each([
  ["seed", "enforce", 32, true, 60, true],
  ["ts24229", "warn", 120, false, 600, false],
])("profile %s", (profile, duty, deadline, raise, n, subscribes) => {
  const { subscription, reauthentication, pcscf } = config({ SCSCF_PROFILE: profile });
  expect(subscription).toMatchObject({ duty, deadlineSeconds: deadline, raiseOwn: raise });
  expect(reauthentication.deadlineSeconds).toBe(n);
  expect(pcscf.subscribe).toBe(subscribes);
});

test("the stores there are, and the default", () => {
  const stores = ["memory", "sqlite:/var/x.db", "redis://r.example:6380/3", "rediss://[::1]"];
  for (const store of stores) expect(config({ SCSCF_STORE: store }).store).toBe(store);
  expect(config({})).toMatchObject({
    store: "sqlite:.ims-lab/scscf.db",
    storeSynchronous: "normal",
    restart: { graceSeconds: 32 },
  });
});

test("a cluster has a name, which is compared as hosts are", () => {
  expect(config({}).cluster).toEqual({ name: "", node: "" });
  const named = { SCSCF_CLUSTER_NAME: "S-CSCF.Example", SCSCF_CLUSTER_NODE: "a" };
  const { cluster } = config({ ...named, SCSCF_STORE: "redis://r.example" });
  expect(cluster).toEqual({ name: "s-cscf.example", node: "a" });
});

test("a part of a profile can be set by itself", () => {
  const { subscription } = config({
    SCSCF_PROFILE: "ts24229",
    SCSCF_SUBSCRIPTION_DEADLINE_SECONDS: "45",
  });
  expect(subscription).toMatchObject({ duty: "warn", deadlineSeconds: 45 });
});

test("the clocks' defaults", () => {
  const { registration, authentication, subscription, contacts } = config({});
  expect(registration).toEqual({ minExpires: 60, defaultExpires: 3600, maxExpires: 600_000 });
  expect(authentication).toMatchObject({ awaitSeconds: 240, maxFailures: 2 });
  expect(subscription.optionalMaxExpiresSeconds).toBe(300);
  expect(contacts.maxPerImpi).toBe(4);
});

test.each([
  ["an unknown key", {}, ["--sip.prot=1"], "sip.prot"],
  ["a bad type", { SCSCF_SIP_PORT: "abc" }, [], "sip.port"],
  ["an unknown profile", { SCSCF_PROFILE: "rfc" }, [], "profile"],
  ["a store there is none of", { SCSCF_STORE: "tape" }, [], "store"],
  ["a store's file without a path", { SCSCF_STORE: "sqlite:" }, [], "store"],
  ["a password where it would be shown", { SCSCF_STORE: "redis://:pw@127.0.0.1" }, [], "store"],
  ["a Redis without a host", { SCSCF_STORE: "redis:" }, [], "store"],
  ["a Redis database that is no number", { SCSCF_STORE: "redis://127.0.0.1/x" }, [], "store"],
  ["a peer that is no address", { SCSCF_TRUSTED_PEERS: "pcscf.example" }, [], "trustedPeers"],
  [
    "a duty that there is none of",
    { SCSCF_SUBSCRIPTION_DUTY_BY_USER_AGENT: "baresip*=sometimes" },
    [],
    "subscription.dutyByUserAgent",
  ],
  [
    "a User-Agent pattern of eleven stars",
    { SCSCF_SUBSCRIPTION_DUTY_BY_USER_AGENT: `${"*a".repeat(11)}=warn` },
    [],
    "subscription.dutyByUserAgent",
  ],
  [
    "a User-Agent pattern behind one that matches all of its devices",
    { SCSCF_SUBSCRIPTION_DUTY_BY_USER_AGENT: "Baresip*=warn,baresip v1*=optional" },
    [],
    "subscription.dutyByUserAgent",
  ],
  ["a pace of nothing", { SCSCF_POLICY_PACE_PER_SECOND: "0" }, [], "policy.pacePerSecond"],
  ["a cluster in a file", { SCSCF_CLUSTER_NAME: "s.example" }, [], "cluster.name"],
  ["a cluster in memory", { SCSCF_CLUSTER_NAME: "s", SCSCF_STORE: "memory" }, [], "cluster.name"],
  [
    "a cluster by an address",
    { SCSCF_CLUSTER_NAME: "192.0.2.1", SCSCF_STORE: "redis://r" },
    [],
    "cluster.name",
  ],
  [
    "a cluster with a port",
    { SCSCF_CLUSTER_NAME: "s.example:5060", SCSCF_STORE: "redis://r" },
    [],
    "cluster.name",
  ],
  ["a node's name without a cluster", { SCSCF_CLUSTER_NODE: "a" }, [], "cluster.node"],
  [
    "a node's name that is none",
    { SCSCF_CLUSTER_NAME: "s", SCSCF_CLUSTER_NODE: "a b", SCSCF_STORE: "redis://r" },
    [],
    "cluster.node",
  ],
  ["a wildcard without advertise", { SCSCF_SIP_HOST: "0.0.0.0" }, [], "sip.advertise"],
  [
    "a minimum above the maximum",
    { SCSCF_REGISTRATION_MIN_EXPIRES: "700000" },
    [],
    "registration.minExpires",
  ],
])("refuses %s", (_name, env, argv, key) => {
  const loaded = load(env, argv);
  if (loaded.kind !== "refused") throw new Error("taken");
  expect(loaded.errors.map((error) => error.key)).toEqual([key]);
});

test.each([
  ["ftp://x/", "webhook.url"],
  ["http://user:password@x/", "webhook.url"],
  ["nonsense", "webhook.url"],
  ["https://x/hook", "webhook.secret"],
])("a webhook at %s without a secret is refused: %s", (url, key) => {
  const loaded = load({ SCSCF_WEBHOOK_URL: url });
  expect(loaded).toMatchObject({ kind: "refused", errors: [{ key }] });
});

test("the webhook's secret is shown nowhere", () => {
  const secret = "a-secret-of-a-webhook";
  const { webhook } = config({ SCSCF_WEBHOOK_URL: "https://x/", SCSCF_WEBHOOK_SECRET: secret });
  expect(JSON.stringify(webhook)).not.toContain(secret);
  expect(webhook.secret?.reveal()).toBe(secret);
  const short = load({ SCSCF_WEBHOOK_SECRET: "too-short" });
  expect(JSON.stringify(short)).not.toContain("too-short");
});

test("the pace above which campaigns are confirmed", () => {
  expect(config({}).campaigns.maxPacePerSecond).toBe(100);
  for (const pace of ["0", "-1", "1.5", "10001", "fast"])
    expect(load({ SCSCF_CAMPAIGNS_MAX_PACE_PER_SECOND: pace })).toMatchObject({
      kind: "refused",
      errors: [{ key: "campaigns.maxPacePerSecond" }],
    });
});
