// Rules that hold while one figure is played: at which node, from when to when.
import { expect, test } from "vitest";
import { FigureRules } from "../../src/launcher/figure-rules.ts";
import { type FigureOptions, figurePlan } from "../../src/launcher/figures.ts";
import { labPorts, nodeEnvironments } from "../../src/launcher/node-environments.ts";
import { type LabOptions, parseOptions } from "../../src/launcher/options.ts";

const SEED: FigureOptions = { profile: "seed", expires: "registration" };
const { registration, byServing, byProxy } = figurePlan(SEED);

function optionsOf(...argv: readonly string[]): LabOptions {
  const parsed = parseOptions(argv);
  if (parsed.kind !== "options") throw new Error(JSON.stringify(parsed));
  return parsed.options;
}

function rulesOf(options: LabOptions, status = 200) {
  const asked: string[] = [];
  const rules = new FigureRules({
    rules: options.networkRules,
    ports: labPorts(0),
    env: { SCSCF_HTTP_TOKEN: "secret" },
    fetch: (url, init) => {
      const { port, pathname } = new URL(String(url));
      const { authorization = "" } = (init?.headers ?? {}) as Record<string, string>;
      asked.push(`${init?.method} ${port} ${decodeURIComponent(pathname)} ${authorization}`.trim());
      return Promise.resolve(new Response('{"title":"no"}', { status }));
    },
  });
  return { rules, asked };
}

const MIXED = optionsOf(
  ...["--drop", "NOTIFY S>P 1 @figure3", "--delay", "401 P>U 2s @figure3"],
  ...["--drop", "REGISTER U>P 1 @figure1", "--duplicate", "200 NOTIFY U>S @figure5"],
  ...["--reorder", "200 S>P"],
);

test("each figure's rules are put at their senders when it begins, and ended when it has passed", async () => {
  const { rules, asked } = rulesOf(MIXED);
  await rules.begin(byServing);
  expect(asked.splice(0)).toEqual([
    "PUT 9062 /network-faults/drop NOTIFY S>P 1 Bearer secret",
    "PUT 9061 /network-faults/delay 401 P>U 2s",
  ]);
  await rules.end(byServing);
  expect(asked.splice(0)).toEqual([
    "DELETE 9062 /network-faults/drop NOTIFY S>P 1 Bearer secret",
    "DELETE 9061 /network-faults/delay 401 P>U 2s",
  ]);
  if (byProxy !== undefined) await rules.begin(byProxy);
  expect(asked.splice(0)).toEqual(["PUT 9063 /network-faults/duplicate 200 NOTIFY U>S"]);
  for (const figure of registration) await rules.end(figure);
  expect(asked).toEqual(["DELETE 9063 /network-faults/drop REGISTER U>P 1"]);
});

test("a rule that is over already is no problem; one that a node does not take ends the lab, and says which", async () => {
  await expect(rulesOf(MIXED, 404).rules.end(byServing)).resolves.toBeUndefined();
  await expect(rulesOf(MIXED, 409).rules.begin(byServing)).rejects.toThrow(
    'drop "NOTIFY S>P 1 @figure3": the S-CSCF answered 409: {"title":"no"}',
  );
});

test("what begins with the lab is a setting of the node: Figures 1, 2, 4, and rules of no figure", () => {
  const facts = {
    ports: labPorts(0),
    hep: "127.0.0.1:1",
    subscribers: undefined,
    ue: { user: "a", impi: "a@x", impu: "sip:a@x", k: "k", op: "o", opc: undefined },
    ueCard: undefined,
    networks: [],
  };
  const { ue, pcscf, scscf } = nodeEnvironments(MIXED, facts as never);
  expect(ue["UE_NETWORK_FAULTS"]).toBe("drop REGISTER U>P 1");
  expect(pcscf["PCSCF_NETWORK_FAULTS"]).toBeUndefined();
  expect(scscf["SCSCF_NETWORK_FAULTS"]).toBe("reorder 200 S>P");
});
