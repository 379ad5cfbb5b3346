// Configuration errors in words for the person who wrote them.

export interface ConfigSource {
  readonly kind: "file" | "environment" | "command line" | "profile" | "default";
  /** The file, the variable, the option, the profile. */
  readonly name: string;
}

export interface ConfigError {
  /** The setting's path, or what was written in its place. */
  readonly key: string;
  readonly source: ConfigSource;
  /** As it was written; a secret is not shown. */
  readonly value: unknown;
  /** What would be right, to follow "expected ". */
  readonly allowed: string;
}

/** Thrown while a node starts when a setting turns out to be impossible: the node exits with 2. */
export class SettingError extends Error {
  readonly key: string;
  readonly value: unknown;
  readonly allowed: string;

  constructor(key: string, value: unknown, allowed: string) {
    super(`${key}: ${show(value)}: expected ${allowed}`);
    this.key = key;
    this.value = value;
    this.allowed = allowed;
  }
}

/** `sip.port: "abc" (from environment SCSCF_SIP_PORT): expected a port, 0 to 65535`. */
export function errorLine({ key, source, value, allowed }: ConfigError): string {
  const what = [key, value === undefined ? "" : show(value)].filter(Boolean).join(": ");
  return `${what} (from ${source.kind}${source.name && ` ${source.name}`}): expected ${allowed}`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** What to say about a name nobody knows. */
export function expectedKnown(key: string, known: readonly string[]): string {
  const near = known
    .map((name) => ({ name, distance: distance(bare(key), bare(name)) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const hint =
    near && near.distance <= Math.min(2, bare(key).length / 3)
      ? `did you mean ${near.name}?`
      : "see --help";
  return `a known setting; ${hint}`;
}

function bare(name: string): string {
  return name.toLowerCase().replace(/[^a-z\d]/g, "");
}

/** Levenshtein's edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
