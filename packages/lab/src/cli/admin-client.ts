// HTTP client for a node's admin interface; failures as one line for a person.
import type { ImportMistake, Page, ProblemDetails } from "@ims-lab/common/admin-api/views";
import { NODE_HEADER } from "@ims-lab/common/platform/http";
import { CommandFailure, EXIT } from "./exit-codes.ts";

export interface AdminClient {
  get<T>(path: string, query?: Query): Promise<T>;
  /** @param body text is sent as it is */
  post<T>(path: string, query?: Query, body?: object | string): Promise<T>;
  put<T>(path: string, query?: Query, body?: object, headers?: Headers): Promise<T>;
  delete<T>(path: string, query?: Query): Promise<T>;
  /** A stream of text, in the pieces in which it comes; fails where it breaks off. */
  stream(path: string, query: Query, headers: Headers, signal: AbortSignal): AsyncIterable<string>;
  /** The same as the answer to a POST. */
  streamOf(path: string, body: object, signal: AbortSignal): AsyncIterable<string>;
  /** All of a list, page by page. */
  all<T>(path: string, query?: Query): Promise<Page<T>>;
}

type Headers = Readonly<Record<string, string>>;
export type Query = Readonly<Record<string, string | number | undefined>>;

const PAGE = 1000;

export function adminClient(options: {
  /** "S-CSCF", for messages. */
  readonly node: string;
  readonly url: string;
  /** The option that names another URL. */
  readonly urlOption: string;
  readonly token: string | undefined;
  readonly fetch: typeof fetch;
}): AdminClient {
  const { node, url, token } = options;
  const bearer = token === undefined ? {} : { authorization: `Bearer ${token}` };

  async function request<T>(
    method: string,
    path: string,
    query: Query = {},
    body?: object | string,
    more: Headers = {},
  ): Promise<T> {
    const headers: Record<string, string> = { accept: "application/json", ...bearer, ...more };
    const isText = typeof body === "string";
    if (body !== undefined) headers["content-type"] = isText ? "text/plain" : "application/json";
    let response: Response;
    let text: string;
    try {
      response = await options.fetch(url + path + queryText(query), {
        method,
        headers,
        ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (problem) {
      throw notReached(problem);
    }
    checkNode(response);
    const answer = jsonOf(text);
    if (response.ok && answer !== undefined) return answer as T;
    throw failureOf(node, url, response.status, answer);
  }

  function notReached(problem: unknown): CommandFailure {
    return new CommandFailure(
      EXIT.unknown,
      `cannot reach the ${node} at ${url} (${causeOf(problem)}): start it, or name another with ${options.urlOption}`,
    );
  }

  async function* stream(
    path: string,
    more: Headers,
    order: { readonly method: string; readonly signal: AbortSignal; readonly body?: string },
  ): AsyncGenerator<string> {
    const headers = { accept: "text/event-stream", ...bearer, ...more };
    try {
      const response = await options.fetch(url + path, { ...order, headers });
      checkNode(response);
      if (!response.ok || response.body === null)
        throw failureOf(node, url, response.status, jsonOf(await response.text()));
      const decoder = new TextDecoder();
      for await (const octets of response.body) yield decoder.decode(octets, { stream: true });
    } catch (problem) {
      throw problem instanceof CommandFailure ? problem : notReached(problem);
    }
  }

  /** Swapped URLs: the wrong node answers well, in another form. */
  function checkNode(response: Response): void {
    const said = response.headers.get(NODE_HEADER);
    if (said === node || (said === null && !response.ok)) return;
    throw new CommandFailure(
      EXIT.unknown,
      said === null
        ? `what answers at ${url} is no ${node} of this lab: name it with ${options.urlOption}`
        : `at ${url} a ${said} answers, not the ${node}: ${options.urlOption} names the ${node}`,
    );
  }

  return {
    stream: (path, query, headers, signal) =>
      stream(path + queryText(query), headers, { method: "GET", signal }),
    streamOf: (path, body, signal) =>
      stream(
        path,
        { "content-type": "application/json" },
        { method: "POST", body: JSON.stringify(body), signal },
      ),
    get: (path, query) => request("GET", path, query),
    post: (path, query, body) => request("POST", path, query, body),
    put: (path, query, body, headers) => request("PUT", path, query, body, headers),
    delete: (path, query) => request("DELETE", path, query),
    all: async <T>(path: string, query: Query = {}) => {
      const items: T[] = [];
      for (;;) {
        const page = await request<Page<T>>("GET", path, {
          ...query,
          limit: PAGE,
          offset: items.length,
        });
        if (!Array.isArray(page.items))
          throw new CommandFailure(
            EXIT.unknown,
            `${url}${path} answered no list: is this a ${node}?`,
          );
        items.push(...page.items);
        // An empty page before the total: users left meanwhile.
        if (items.length >= page.total || page.items.length === 0) {
          return { items, total: items.length };
        }
      }
    },
  };
}

function queryText(query: Query): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) text.set(name, String(value));
  }
  return text.size === 0 ? "" : `?${text}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch says "fetch failed"; the reason is in its cause. */
function causeOf(problem: unknown): string {
  if (!(problem instanceof Error)) return String(problem);
  const { cause } = problem;
  if (!(cause instanceof Error)) return problem.message;
  return "code" in cause ? String(cause.code) : cause.message;
}

function failureOf(node: string, url: string, status: number, answer: unknown): CommandFailure {
  const problem = isProblem(answer) ? answer : undefined;
  if (status === 401) {
    return new CommandFailure(
      EXIT.unknown,
      `the ${node} at ${url} wants its token: --token TOKEN or IMSLAB_TOKEN`,
    );
  }
  if (problem === undefined) {
    return new CommandFailure(EXIT.unknown, `${url} answered ${status}: is this a ${node}?`);
  }
  if (problem.mistakes !== undefined) return importRefused(node, problem, problem.mistakes);
  const why = [problem.title, problem.detail].filter(Boolean).join(": ");
  const notRegistered =
    problem.title === "Not registered" || (status === 404 && !NOT_A_USER.has(problem.title));
  return new CommandFailure(
    notRegistered ? EXIT.notRegistered : EXIT.unknown,
    notRegistered ? `not registered: ${problem.detail ?? problem.title}` : `${node}: ${why}`,
  );
}

function importRefused(
  node: string,
  { title, count = 0 }: ProblemDetails,
  mistakes: readonly ImportMistake[],
): CommandFailure {
  const more = count - mistakes.length;
  const lines = [...mistakes.map(lineOf), ...(more > 0 ? [`and ${more} more`] : [])];
  return new CommandFailure(EXIT.unknown, `${node}: ${title}, nothing was imported`, lines);
}

function lineOf({ line, why }: ImportMistake): string {
  return `line ${line}: ${why}`;
}

/** What else may be missing than a registration. */
const NOT_A_USER: ReadonlySet<string> = new Set([
  "No such resource",
  "No such UE",
  "No such subscriber",
  "No such campaign",
  "No such fault",
  "No such rule",
]);

function isProblem(answer: unknown): answer is ProblemDetails {
  return typeof answer === "object" && answer !== null && "title" in answer && "status" in answer;
}
