// A YAML document read strictly: each wrong place becomes one line with path, value and what is allowed.
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { type ErrorCode, parseDocument } from "yaml";

/** Every scalar stays text, so that a key of digits keeps its zeros and `8000` is no number. */
export type Yaml = string | readonly Yaml[] | { readonly [key: string]: Yaml };

export type Problems = string[];

/** What takes problems, one line each. */
export interface ProblemSink {
  push(problem: string): unknown;
}

/** `name`: the file, as the person who wrote it knows it. */
export function parseYaml(name: string, text: string, problems: Problems): Yaml | undefined {
  const document = parseDocument(text, { schema: "failsafe", uniqueKeys: true });
  const deepest = document.errors.find(({ message }) => STACK_OVERFLOW.test(message));
  // What follows it is about the same.
  for (const error of deepest === undefined ? document.errors : [deepest]) {
    const line = error.linePos?.[0].line ?? 1;
    problems.push(`${name}: line ${line}: ${plain(error.code, error.message)}`);
  }
  if (problems.length > 0) return undefined;
  try {
    // An empty document is null.
    return (document.toJS({ maxAliasCount: 100 }) as Yaml | null) ?? {};
  } catch (error) {
    problems.push(`${name}: ${reasonOf(error)}`);
    return undefined;
  }
}

/** V8's words for a recursion that goes too deep. */
const STACK_OVERFLOW = /^Maximum call stack size exceeded/;

/** The library's message quotes the source, which may hold a secret: only its first sentence is kept. */
function plain(code: ErrorCode, message: string): string {
  if (STACK_OVERFLOW.test(message)) return "nested too deeply";
  return `${message.split(/ at line |:?\n/)[0] ?? code}, expected YAML`;
}

/** One place in the document. */
export class Place {
  readonly #problems: ProblemSink;
  readonly #document: string | ((path: string) => string);
  readonly path: string;
  readonly value: Yaml | undefined;

  /** @param document its name; or what a problem at a path begins with, instead of name and path */
  constructor(
    document: string | ((path: string) => string),
    path: string,
    value: Yaml | undefined,
    problems: ProblemSink,
  ) {
    this.#document = document;
    this.path = path;
    this.value = value;
    this.#problems = problems;
  }

  /** Refuses what stands here; `shown` is said instead of the value. */
  refuse(allowed: string, shown: string = show(this.value)): undefined {
    this.#problems.push(`${this.#where()}${shown}, expected ${allowed}`);
    return undefined;
  }

  #where(): string {
    const document = this.#document;
    const parts = typeof document === "string" ? [document, this.path] : [document(this.path)];
    return parts.map((part) => (part === "" ? "" : `${part}: `)).join("");
  }

  /** As `refuse`, without the value. */
  refuseSecret(allowed: string): undefined {
    const shown = typeof this.value === "string" ? `${this.value.length} characters` : "no text";
    return this.refuse(allowed, this.value === undefined ? "missing" : `${shown} (not shown)`);
  }

  /** The members of a mapping that has no other keys than `allowed`. */
  members<K extends string>(allowed: readonly K[]): Readonly<Record<K, Place>> | undefined {
    const { value } = this;
    if (typeof value !== "object" || Array.isArray(value))
      return this.refuse(`a mapping of ${allowed.join(", ")}`);
    const mapping = value as { readonly [key: string]: Yaml };
    for (const key of Object.keys(mapping)) {
      if (!allowed.some((known) => known === key))
        this.#member(key, undefined).refuse(`one of ${allowed.join(", ")}`, "unknown key");
    }
    const places = allowed.map((key) => [key, this.#member(key, own(mapping, key))] as const);
    return Object.fromEntries(places) as Record<K, Place>;
  }

  items(allowed: string): readonly Place[] | undefined {
    if (!Array.isArray(this.value)) return this.refuse(allowed);
    return this.value.map(
      (item: Yaml, index) =>
        new Place(this.#document, `${this.path}[${index}]`, item, this.#problems),
    );
  }

  get isAbsent(): boolean {
    return this.value === undefined;
  }

  /** Text that `accepts`; `fallback` when nothing stands here. */
  text(allowed: string, accepts: (text: string) => boolean, fallback?: string): string | undefined {
    if (this.isAbsent && fallback !== undefined) return fallback;
    if (typeof this.value === "string" && accepts(this.value)) return this.value;
    return this.refuse(allowed);
  }

  oneOf<const W extends string>(words: readonly W[], fallback?: W): W | undefined {
    if (this.isAbsent && fallback !== undefined) return fallback;
    return words.find((word) => word === this.value) ?? this.refuse(words.join(" | "));
  }

  #member(key: string, value: Yaml | undefined): Place {
    const path = this.path === "" ? key : `${this.path}.${key}`;
    return new Place(this.#document, path, value, this.#problems);
  }
}

function own(mapping: { readonly [key: string]: Yaml }, key: string): Yaml | undefined {
  return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}

const LONGEST_SHOWN = 300;

/** Mappings are not spelled out: a secret may be among their members. */
function show(value: Yaml | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return JSON.stringify(value.slice(0, LONGEST_SHOWN));
  return Array.isArray(value) ? `a list of ${value.length}` : "a mapping";
}
