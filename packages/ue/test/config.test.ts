// Settings of the UE.
import { loadConfig } from "@ims-lab/common/platform/config";
import { describe, expect, test } from "vitest";
import { packageOf, timersOf, type UeConfig, ueSettings } from "../src/config.ts";

const K = "465b5ce8b199b49faa5f0a2ee238a6bc";
const isim = { UE_USER_K: K, UE_USER_OPC: K };

function load(env: Record<string, string>, argv: readonly string[] = []): UeConfig {
  const loaded = loadConfig(ueSettings, { argv, env, readFile: () => "" });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

function refusedKeys(env: Record<string, string>): readonly string[] {
  const loaded = loadConfig(ueSettings, { argv: [], env, readFile: () => "" });
  return loaded.kind === "refused" ? loaded.errors.map((error) => error.key) : [];
}

describe("the UE's settings", () => {
  test("defaults", () => {
    const config = load(isim);
    expect(config).toMatchObject({
      pcscf: "sip:127.0.0.1:5060",
      stack: "core",
      transport: "udp",
      http: { port: 9063 },
      registration: { expiresSeconds: 600_000 },
    });
    expect(packageOf(config)).toBe("network-initiated-reregistration");
    expect(timersOf(config)).toEqual({ t1: 500, t2: 4000, t4: 5000 });
  });

  test("profile ts24229 subscribes to reg; `ims` timers; single timers win", () => {
    const env = {
      ...isim,
      UE_PROFILE: "ts24229",
      UE_TIMERS_PROFILE: "ims",
      UE_TIMERS_T2_MS: "8000",
    };
    expect(packageOf(load(env))).toBe("reg");
    expect(timersOf(load(env))).toEqual({ t1: 2000, t2: 8000, t4: 17_000 });
    expect(packageOf(load({ ...env, UE_SUBSCRIPTION_EVENT: "own" }))).toContain("network");
  });

  test.each([
    [{}, "user.k"],
    [{ UE_USER_K: K }, "user.opc"],
    [{ ...isim, UE_USER_OP: K }, "user.opc"],
    [{ ...isim, UE_USER_PASSWORD: "secret" }, "user.password"],
    [{ ...isim, UE_USER_K: `${K.slice(1)}g` }, "user.k"],
    [{ ...isim, UE_USER_K: K.slice(1) }, "user.k"],
    [{ ...isim, UE_USER_OP: `${K}0` }, "user.op"],
    [{ UE_USER_PASSWORD: "x", UE_COUNT: "2" }, "user.impi"],
    [{ ...isim, UE_SIP_HOST: "0.0.0.0" }, "sip.advertise"],
    [{ ...isim, UE_PCSCF: "127.0.0.1:5060" }, "pcscf"],
  ] as const)("%o is refused for %s", (env, key) => {
    expect(refusedKeys({ ...env })).toContain(key);
  });
});
