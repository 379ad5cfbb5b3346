// Settings of the P-CSCF: defaults, fixed names, refusals.
import { type LoadedConfig, loadConfig } from "@ims-lab/common/platform/config";
import { expect, test } from "vitest";
import { type PcscfConfig, settings } from "../src/config.ts";

function load(
  env: Readonly<Record<string, string>>,
  argv: readonly string[] = [],
): LoadedConfig<PcscfConfig> {
  return loadConfig(settings, { argv, env, readFile: () => "" });
}

test("the fixed environment names", () => {
  const loaded = load({
    PCSCF_ACCESS_HOST: "0.0.0.0",
    PCSCF_ACCESS_PORT: "5070",
    PCSCF_ACCESS_ADVERTISE: "172.16.0.0/12=pcscf:5070,127.0.0.1:5071",
    PCSCF_CORE_HOST: "127.0.0.2",
    PCSCF_CORE_PORT: "4070",
    PCSCF_CORE_ADVERTISE: "core.example",
    PCSCF_SCSCF: "sip:one:6060,sip:two:6060",
    PCSCF_HTTP_PORT: "9071",
  });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  const { access, core, scscf, http } = loaded.config;
  expect([access.host, access.port, access.advertise.length]).toEqual(["0.0.0.0", 5070, 3]);
  expect([core.host, core.port, core.advertise[0]?.host]).toEqual([
    "127.0.0.2",
    4070,
    "core.example",
  ]);
  expect(scscf).toEqual(["sip:one:6060", "sip:two:6060"]);
  expect(http.port).toBe(9071);
});

test.each([
  ["seed", false, true, 60],
  ["ts24229", true, false, 600],
])("profile %s: subscribeReg %s, raise %s, N %i", (profile, subscribeReg, raise, seconds) => {
  const loaded = load({ PCSCF_PROFILE: profile });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  expect(loaded.config.subscribeReg).toBe(subscribeReg);
  expect(loaded.config.subscription.raiseOwn).toBe(raise);
  expect(loaded.config.reauthentication.deadlineSeconds).toBe(seconds);
});

test.each([
  ["a wildcard without advertise", { PCSCF_ACCESS_HOST: "0.0.0.0" }, "access.advertise"],
  ["the same on the core side", { PCSCF_CORE_HOST: "::" }, "core.advertise"],
  ["an S-CSCF that is no URI", { PCSCF_SCSCF: "127.0.0.1:6060" }, "scscf"],
  ["a sips: S-CSCF without TLS", { PCSCF_SCSCF: "sips:127.0.0.1" }, "core.tls.port"],
  [
    "wss without a key",
    { PCSCF_ACCESS_WS_SECURE_PORT: "1", PCSCF_ACCESS_TLS_CERT: "c" },
    "access.tls.key",
  ],
  ["a certificate without its key", { PCSCF_CORE_TLS_CERT: "c" }, "core.tls.key"],
  ["an origin that is none", { PCSCF_ACCESS_WS_ORIGINS: "phone.example" }, "access.ws.origins"],
  ["a cluster named by an address", { PCSCF_CLUSTER_NAME: "192.0.2.1" }, "cluster.name"],
  ["a cluster's name with a port", { PCSCF_CLUSTER_NAME: "s.example:6060" }, "cluster.name"],
  [
    "a cluster's name that leads to one node alone",
    { PCSCF_SCSCF: "sip:S.example:6060,sip:t.example", PCSCF_CLUSTER_NAME: "s.EXAMPLE" },
    "cluster.name",
  ],
  ["both sides on one port", { PCSCF_CORE_PORT: "5060" }, "core.port"],
])("refuses %s", (_name, env, key) => {
  const loaded = load(env);
  if (loaded.kind !== "refused") throw new Error("taken");
  expect(loaded.errors.map((error) => error.key)).toEqual([key]);
});
