// A node as a process: what is printed, and with which code it exits.
import { describe, expect, it } from "vitest";
import { SettingError } from "../../src/platform/config/error.ts";
import {
  type NodeProgram,
  type ProcessPort,
  type RunningNode,
  runNode,
} from "../../src/platform/lifecycle.ts";
import { type LogSettings, logSettings } from "../../src/platform/logger.ts";
import {
  type ListenSettings,
  listenSettings,
  port as portSetting,
  secret,
} from "../../src/platform/settings.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { FakeProcess } from "../../src/testing/fake-process.ts";

interface Config {
  readonly sip: ListenSettings;
  readonly core: ListenSettings & { readonly tls: { readonly port: number } };
  readonly log: LogSettings;
}

const SILENT = { SCSCF_LOG_LEVEL: "silent" };

function program(start: () => Promise<RunningNode>): NodeProgram<Config> {
  return {
    node: "SCSCF",
    schema: {
      sip: listenSettings({ what: "SIP", port: 6060 }),
      core: {
        ...listenSettings({ what: "SIP", port: 4060 }),
        tls: { port: portSetting({ doc: "TLS port; 0: any.", default: 0 }) },
      },
      log: logSettings,
    },
    start,
  };
}

const running: RunningNode = {
  addresses: { sip: "127.0.0.1:6060", http: "http://127.0.0.1:9062" },
  stop: () => Promise.resolve(),
};

/** Every promise that could be kept is. */
const settled = (): Promise<void> => new FakeClock().advanceAsync(0);

const failure = (code: string, address: string, port: number): Error =>
  Object.assign(new Error(code), { code, address, port });

describe("starting", () => {
  it("prints one ready line with the addresses", async () => {
    const port = new FakeProcess(SILENT);
    await runNode(
      port,
      program(() => Promise.resolve(running)),
    );
    expect(port.output).toBe("ready scscf sip=127.0.0.1:6060 http=http://127.0.0.1:9062\n");
    expect(port.exits).toEqual([]);
  });

  it("fits Node's own process", () => {
    const real: ProcessPort = process;
    expect(real.argv).toBe(process.argv);
  });

  it("exits with 2 and one line per refused setting", async () => {
    const port = new FakeProcess(SILENT, "--sip.port", "abc", "--nope");
    await runNode(
      port,
      program(() => Promise.resolve(running)),
    );
    expect(port.exits).toEqual([2]);
    expect(port.errors).toBe(
      "scscf: nope (from command line): expected a known setting; see --help\n" +
        'scscf: sip.port: "abc" (from command line --sip.port): expected a port, 0 to 65535\n',
    );
  });

  it("prints help and version and exits with 0", async () => {
    for (const [option, expected] of [
      ["--help", /SCSCF_SIP_ADVERTISE/],
      ["--version", /^scscf \d+\.\d+\.\d+\n$/],
    ] as const) {
      const port = new FakeProcess(SILENT, option);
      await runNode(
        port,
        program(() => Promise.resolve(running)),
      );
      expect(port.output).toMatch(expected);
      expect(port.exits).toEqual([0]);
    }
  });

  it.each([
    ["of one side", failure("EADDRINUSE", "127.0.0.1", 4060), "core.port: 4060 (from default)"],
    [
      "wrapped by somebody",
      new Error("no", { cause: failure("EADDRINUSE", "127.0.0.1", 6060) }),
      "sip.port: 6060 (from default)",
    ],
  ])("exits with 2 naming the port in use, %s", async (_what, error, line) => {
    const port = new FakeProcess(SILENT);
    await runNode(
      port,
      program(() => Promise.reject(error)),
    );
    expect(port.exits).toEqual([2]);
    expect(port.errors).toContain(`scscf: ${line}: expected a port that nobody else uses`);
  });

  it("tells two sides with one port apart by their addresses", async () => {
    const port = new FakeProcess(SILENT, "--core.port=6060", "--core.host=127.0.0.2");
    const error = failure("EADDRINUSE", "127.0.0.2", 6060);
    await runNode(
      port,
      program(() => Promise.reject(error)),
    );
    expect(port.errors).toMatch(/^scscf: core\.port: 6060 \(from command line --core\.port\)/);
  });

  it("of two settings with one port names the later", async () => {
    const port = new FakeProcess(SILENT, "--core.tls.port=4060");
    await runNode(
      port,
      program(() => Promise.reject(failure("EADDRINUSE", "127.0.0.1", 4060))),
    );
    expect(port.errors).toMatch(/^scscf: core\.tls\.port: 4060 \(from command line/);
  });

  it.each([
    ["no address of ours", failure("EADDRNOTAVAIL", "192.0.2.1", 4060), "192.0.2.1"],
    ["a link-local one without zone", failure("EINVAL", "fe80::1", 4060), "fe80::1"],
    [
      "a name without address",
      Object.assign(new Error("no"), { code: "ENOTFOUND", hostname: "nobody.example" }),
      "nobody.example",
    ],
  ])("exits with 2 naming the host, %s", async (_what, error, host) => {
    const port = new FakeProcess(SILENT, `--core.host=${host}`);
    await runNode(
      port,
      program(() => Promise.reject(error)),
    );
    const line = `scscf: core.host: "${host}" (from command line --core.host): expected an address of this machine`;
    expect(port.errors).toContain(line);
    expect(port.exits).toEqual([2]);
  });

  it("exits with 2 when a setting turns out to be impossible", async () => {
    const port = new FakeProcess(SILENT);
    const error = new SettingError("sip.host", "127.0.0.1", "something else");
    await runNode(
      port,
      program(() => Promise.reject(error)),
    );
    expect(port.errors).toBe(
      'scscf: sip.host: "127.0.0.1" (from default): expected something else\n',
    );
    expect(port.exits).toEqual([2]);
  });

  it("exits with 1 and the stack when the fault is ours", async () => {
    const port = new FakeProcess(SILENT);
    await runNode(
      port,
      program(() => Promise.reject(new TypeError("broken"))),
    );
    await settled();
    expect(port.exits).toEqual([1]);
    expect(port.errors).toMatch(/^start\.failed: TypeError: broken\n {4}at /);
  });
});

describe("secrets on the command line", () => {
  const withSecret = (): NodeProgram<Config> => {
    const plain = program(() => Promise.resolve(running));
    const key = secret({ doc: "A key.", minLength: 4 });
    return {
      ...plain,
      schema: { ...plain.schema, user: { key } } as NodeProgram<Config>["schema"],
    };
  };

  it.each([
    [["--user.key", "hush"], "--user.key ***"],
    [["--user.key=hush"], "--user.key=***"],
    [["--sip.port", "1", "--user.key=hush=hush"], "--sip.port 1 --user.key=***"],
  ])("%j: others see %s", async (options, shown) => {
    const port = new FakeProcess(SILENT, ...options);
    port.env["SCSCF_LOG_LEVEL"] = "warn";
    await runNode(port, withSecret());
    expect(port.title).toBe(`node main.ts ${shown}`);
    expect(port.output).toContain("settings.secret-on-command-line");
    expect(port.output).toContain("SCSCF_USER_KEY");
    expect(port.output).not.toContain("hush");
  });

  it("nothing is said when there is none", async () => {
    const port = new FakeProcess(SILENT, "--sip.port", "1");
    port.env["SCSCF_LOG_LEVEL"] = "warn";
    await runNode(port, withSecret());
    expect([port.title, port.output]).toEqual(["node", expect.stringMatching(/^ready/)]);
  });
});

describe("ending", () => {
  it.each([
    [true, []],
    [undefined, []],
    [false, [0]],
  ])("a launcher whose node is connected: %s: exits %j", async (connected, exits) => {
    const port: FakeProcess & ProcessPort = new FakeProcess(SILENT);
    const launched = connected === undefined ? port : Object.assign(port, { connected });
    await runNode(
      launched,
      program(() => Promise.resolve(running)),
    );
    await settled();
    expect(port.exits).toEqual(exits);
    expect(port.output === "").toBe(connected === false);
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "disconnect"])(
    "stops at %s and exits with 0, once",
    async (signal) => {
      const port = new FakeProcess(SILENT);
      let stops = 0;
      const stop = async (): Promise<void> => {
        stops += 1;
      };
      await runNode(
        port,
        program(() => Promise.resolve({ ...running, stop })),
      );
      port.listeners.get(signal)?.(signal);
      port.listeners.get(signal)?.(signal);
      await settled();
      expect([stops, ...port.exits]).toEqual([1, 0]);
    },
  );

  it.each(["SIGUSR1", "SIGUSR2"])("%s neither ends it nor opens a debugger", async (signal) => {
    const port = new FakeProcess(SILENT);
    port.env["SCSCF_LOG_LEVEL"] = "info";
    await runNode(
      port,
      program(() => Promise.resolve(running)),
    );
    port.listeners.get(signal)?.(signal);
    await settled();
    expect(port.exits).toEqual([]);
    expect(port.listeners.has(signal)).toBe(true);
  });

  it("exits with 1 after an unhandled rejection", async () => {
    const port = new FakeProcess(SILENT);
    await runNode(
      port,
      program(() => Promise.resolve(running)),
    );
    port.listeners.get("unhandledRejection")?.(new Error("lost"));
    await settled();
    expect(port.exits).toEqual([1]);
    expect(port.errors).toContain("lost");
  });
});
