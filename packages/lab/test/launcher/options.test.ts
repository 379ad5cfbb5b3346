// The launcher's command line: defaults, choices, and what is wrong said by name.
import { describe, expect, it } from "vitest";
import { HELP, parseOptions } from "../../src/launcher/options.ts";

describe("parseOptions", () => {
  it("has the defaults that --help states", () => {
    expect(parseOptions([])).toEqual({
      kind: "options",
      options: {
        demo: false,
        verbose: false,
        profile: "seed",
        expires: "registration",
        stack: "core",
        transport: "udp",
        portOffset: 0,
      },
    });
  });

  it.each([
    [["--profile", "2001"], /--profile 2001: expected seed or ts24229/],
    [["--expires=forever"], /--expires forever: expected registration or unlimited/],
    [["--transport", "sctp"], /--transport sctp: expected udp or tcp/],
    [["--port-offset", "-1"], /port-offset/],
    [["--port-offset=99999"], /--port-offset 99999: expected a number from 0 to 50000/],
    [["--colour"], /colour/],
  ])("refuses %j", (argv, reason) => {
    const parsed = parseOptions(argv);
    expect(parsed.kind === "refused" && parsed.reason).toMatch(reason);
  });

  it("names every option in --help", () => {
    expect(parseOptions(["--help"])).toEqual({ kind: "help" });
    for (const name of ["profile", "expires", "stack", "transport", "port-offset", "verbose"])
      expect(HELP).toContain(`--${name}`);
  });
});
