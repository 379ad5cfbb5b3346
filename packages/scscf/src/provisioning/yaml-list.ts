// Entries in the form of the subscribers file, each mistake with its line.
import { isNode, LineCounter, parseDocument } from "yaml";
import { parseYaml, type Yaml } from "../subscribers/checked-yaml.ts";
import { type ImportEntries, MOST_LINES } from "./import-lines.ts";

/**
 * One entry, a list of them, or a whole file's `subscribers`.
 * @param others what else it might have been, for the mistake
 */
export function readYamlList(text: string, into: ImportEntries, others = ""): void {
  const problems: string[] = [];
  const root = parseYaml("", text, problems);
  for (const problem of problems) {
    const [, line = "1", why = problem] = /^: (?:line (\d+): )?(.*)$/s.exec(problem) ?? [];
    into.wrong(Number(line), why);
  }
  if (root === undefined) return;
  const found = entriesIn(root);
  if (found === undefined || found.entries.length === 0) {
    into.wrong(
      1,
      `expected an entry of the subscribers file, a list of them, or subscribers: with one${others}`,
    );
    return;
  }
  if (found.entries.length > MOST_LINES) {
    into.wrong(1, `${found.entries.length} entries, expected at most ${MOST_LINES}`);
    return;
  }
  const lineAt = linesIn(text);
  found.entries.forEach((entry, at) => {
    const path = [...found.path, ...(found.isList ? [at] : [])];
    const line = lineAt(path);
    if (hasKey(entry, "template"))
      into.wrong(line, "template: expected single subscribers: templates stand in the file alone");
    else into.add(entry, line, { lineAt: (member) => lineAt([...path, ...keysOf(member)]) });
  });
}

interface FoundEntries {
  readonly entries: readonly Yaml[];
  readonly isList: boolean;
  /** Of the list, or of the one entry. */
  readonly path: readonly (string | number)[];
}

function entriesIn(root: Yaml): FoundEntries | undefined {
  if (typeof root === "string") return undefined;
  if (Array.isArray(root)) return { entries: root as readonly Yaml[], isList: true, path: [] };
  const { subscribers, impi } = root as { readonly [key: string]: Yaml };
  if (Array.isArray(subscribers))
    return { entries: subscribers, isList: true, path: ["subscribers"] };
  return impi === undefined ? undefined : { entries: [root], isList: false, path: [] };
}

function hasKey(entry: Yaml, key: string): boolean {
  return typeof entry === "object" && !Array.isArray(entry) && Object.hasOwn(entry, key);
}

/** Where the node at a path begins, or the nearest one above it. */
function linesIn(text: string): (path: readonly (string | number)[]) => number {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { schema: "failsafe", lineCounter });
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return lineCounter.linePos(node.range[0]).line;
    }
    return 1;
  };
}

/** `auth.k`, `impus[0].uri` */
function keysOf(path: string): readonly (string | number)[] {
  const found = path.matchAll(/\[(\d+)\]|([^.[\]]+)/g);
  return [...found].map(([, index, key = ""]) => (index === undefined ? key : Number(index)));
}
