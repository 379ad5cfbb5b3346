// The table of `imslab`'s commands: one line is parsed for all, so that they must agree.
import { expect, test } from "vitest";
import { IMSLAB_HELP } from "../../src/cli/arguments.ts";
import { COMMANDS } from "../../src/cli/commands.ts";

test("a name stands for one command", () => {
  const names = COMMANDS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test("an option takes a value in all commands that have it, or in none", () => {
  const types = new Map<string, string>();
  for (const { name, options } of COMMANDS)
    for (const [option, { type }] of Object.entries(options)) {
      expect(types.get(option) ?? type, `--${option} of ${name}`).toBe(type);
      types.set(option, type);
    }
});

test.each(COMMANDS)(
  "the help of $name tells its usage and every option",
  ({ name, help, options }) => {
    expect(help).toMatch(new RegExp(`^ {2}imslab ${name}\\b`));
    for (const option of Object.keys(options)) expect(help).toContain(`--${option}`);
    expect(IMSLAB_HELP).toContain(help);
    for (const line of help.split("\n")) expect(line.length, line).toBeLessThanOrEqual(110);
  },
);
