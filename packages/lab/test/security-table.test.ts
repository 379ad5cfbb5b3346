// docs/security.md names tests and limits: each of them exists, and no limit is missing.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { settings as pcscfSettings } from "../../pcscf/src/config.ts";
import { settings as scscfSettings } from "../../scscf/src/config.ts";
import { ueSettings } from "../../ue/src/config.ts";

const ROOT = new URL("../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
const security = read("docs/security.md");
const ROW = /^\| .* \| `(packages\/[^`]+)` \| (.+) \|$/gm;
const LIMIT = /^\| `([a-z]+\.\w+)` \| ([^|]+) \|/gim;

const rows = [...security.matchAll(ROW)].map(([, file = "", name = ""]) => ({ file, name }));

test("the tables have their rows", () => {
  expect(rows.length).toBeGreaterThanOrEqual(60);
});

test.each(rows)("$file: $name", ({ file, name }) => {
  expect(read(file)).toContain(`"${name}"`);
});

/** `limits.maxHeaders` → its default, as the table writes it. */
function limitsOf(schema: object): [string, string][] {
  const { limits, contacts, http } = schema as Record<
    string,
    Record<string, { readonly default: unknown }> | undefined
  >;
  const all = Object.entries(limits ?? {}).map(([name, setting]) => [`limits.${name}`, setting]);
  const others = [
    ["contacts.maxPerImpi", contacts?.["maxPerImpi"]],
    ["http.maxBodyBytes", http?.["maxBodyBytes"]],
    ["http.maxConnections", http?.["maxConnections"]],
    ["http.requestSeconds", http?.["requestSeconds"]],
  ];
  return [...all, ...others].flatMap(([name, setting]): [string, string][] =>
    typeof setting === "object" ? [[String(name), [setting.default].flat().join(", ")]] : [],
  );
}

test("the table of limits is that of the nodes, with their defaults", () => {
  const settings = [pcscfSettings.schema, scscfSettings.schema, ueSettings.schema];
  const limits = new Map(settings.flatMap(limitsOf));
  const written = [...security.matchAll(LIMIT)].map(([, name = "", value = ""]) => [name, value]);
  expect(new Map(written as [string, string][])).toEqual(limits);
  expect(written).toHaveLength(limits.size);
});
