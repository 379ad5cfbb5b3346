// Words of the sources and pages: reasons that are in this repository, headers that say what a file is, one name for one
// thing per package, decision records with date and status.
import { globSync, readFileSync } from "node:fs";
import ts from "typescript";

const problems = [];
const sources = globSync("packages/*/src/**/*.ts").map(String).sort();
const texts = globSync(
  "{packages/*/{src,test},docs,bench,interop,.ci}/**/*.{ts,mjs,md,xml,cfg,yaml,grit}",
)
  .map(String)
  .concat("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md");

/** A successor has this repository and the specifications, and nothing else. */
const OUTSIDE = [
  [/\bdesign(\.md)?,? (§|sections? \d)/i, "a page that is not in this repository"],
  [/\bissue (#\d|")/i, "an issue"],
];
for (const file of texts) {
  if (file === ".ci/check-words.mjs") continue;
  for (const [at, line] of readFileSync(file, "utf8").split("\n").entries())
    for (const [pattern, what] of OUTSIDE)
      if (pattern.test(line)) problems.push(`${file}:${at + 1}: refers to ${what}`);
}

/** Questions make riddles of headers; a noun phrase says what the file is. */
const QUESTION = /^(What|Whatever|Whose|Whom|Who|How|Where|When|Which|Whether|Why|If|That)\b/;
for (const file of [
  ...sources,
  ...globSync("{bench,packages/*/test}/**/*.ts").map(String).sort(),
]) {
  const first = readFileSync(file, "utf8")
    .replace(/^#!.*\n/, "")
    .split("\n", 1)[0];
  const header = /^(?:\/\/|\/\*\*) (.+)$/.exec(first)?.[1];
  if (header === undefined) problems.push(`${file}: the first line does not say what the file is`);
  else if (QUESTION.test(header))
    problems.push(`${file}: its first line asks; name what it is: ${header}`);
}

/** Names that stand twice in a package and mean the same kind of thing on purpose, with the reason. */
const ALIKE = new Map([]);
/** @type {Map<string, Map<string, string[]>>} */
const exported = new Map();
for (const file of sources) {
  const tree = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest);
  for (const statement of tree.statements) {
    if (
      !(ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined)?.some(
        (m) => m.kind === ts.SyntaxKind.ExportKeyword,
      )
    )
      continue;
    for (const name of namesOf(statement)) {
      const key = `${file.split("/")[1]} ${name}`;
      exported.set(key, [...(exported.get(key) ?? []), file]);
    }
  }
}
for (const [key, files] of exported) {
  const places = [...new Set(files)];
  if (places.length > 1 && !ALIKE.has(key))
    problems.push(`two things named ${key}: ${places.join(", ")}`);
}
for (const key of ALIKE.keys())
  if (new Set(exported.get(key)).size < 2)
    problems.push(`.ci/check-words.mjs excepts ${key}, which stands once`);

function namesOf(statement) {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.text);
  return statement.name === undefined ? [] : [statement.name.text];
}

const index = readFileSync("docs/decisions/README.md", "utf8");
const decisions = globSync("docs/decisions/[0-9]*.md").map(String).sort();
for (const [at, file] of decisions.entries()) {
  const name = file.split("/").at(-1);
  const number = String(at + 1).padStart(4, "0");
  if (!name.startsWith(`${number}-`)) problems.push(`${file}: ${number} is the next number`);
  const text = readFileSync(file, "utf8");
  if (!text.startsWith(`# ${number}: `))
    problems.push(`${file}: begins with "# ${number}: " and the decision`);
  if (!/^(Accepted|Superseded by \[\d{4}\]\([^)]+\)), \d{4}-\d\d-\d\d\.$/m.test(text))
    problems.push(
      `${file}: has no line "Accepted, YYYY-MM-DD." or "Superseded by [NNNN](…), YYYY-MM-DD."`,
    );
  if (!index.includes(`](${name})`))
    problems.push(`docs/decisions/README.md does not list ${name}`);
}
if (sources.length === 0 || decisions.length === 0)
  problems.push("no sources or no decisions were seen");

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  `words: ${texts.length} files, ${exported.size} exported names, ${problems.length} problems\n`,
);
process.exit(problems.length === 0 ? 0 : 1);
