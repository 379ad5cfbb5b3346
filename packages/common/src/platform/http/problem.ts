// RFC 9457: every error answer is `application/problem+json`, and says nothing about our insides.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../logger.ts";

/** An answer that is an error; throw or return it from a handler. */
export class HttpProblem extends Error {
  readonly statusCode: number;
  readonly title: string;
  readonly detail: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly extensions: ProblemExtensions;

  constructor(
    status: number,
    title: string,
    detail?: string,
    headers: Readonly<Record<string, string>> = {},
    extensions: ProblemExtensions = {},
  ) {
    super(detail ?? title);
    this.statusCode = status;
    this.title = title;
    this.detail = detail;
    this.headers = headers;
    this.extensions = extensions;
  }
}

/** Members of a problem beside the standard's, for programs (RFC 9457 §3.2). */
export interface ProblemExtensions {
  /** The query parameter, or the property of the body, that is wrong. */
  readonly parameter?: string;
  /** How many it is about. */
  readonly count?: number;
  /** The first of many, by line. */
  readonly mistakes?: readonly { readonly line: number; readonly why: string }[];
}

/** `title` names the kind of problem, `detail` what to do about this one. */
export function problem(
  status: number,
  title: string,
  detail?: string,
  extensions: ProblemExtensions = {},
): HttpProblem {
  return new HttpProblem(status, title, detail, {}, extensions);
}

/** Makes fastify answer each of its own and our errors as a problem. */
export function answerProblems(app: FastifyInstance, log: Logger): void {
  const routes: { readonly method: string; readonly pattern: RegExp }[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, pattern: patternOf(url) });
  });
  app.setErrorHandler((error: FastifyError | HttpProblem, request, reply) =>
    send(reply, asProblem(error, request, log)),
  );
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0] ?? "";
    const allow = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    return send(
      reply,
      allow.length > 0
        ? // RFC 9110 §15.5.6: a 405 names what is allowed.
          new HttpProblem(405, "Method not allowed", `Use ${allow.join(", ")}.`, {
            allow: allow.join(", "),
          })
        : problem(404, "No such resource", "See /openapi.json."),
    );
  });
}

/** What fastify finds wrong before it knows a route, such as "%zz" in a path. */
export function answerBeforeRouting(error: FastifyError, reply: FastifyReply): FastifyReply {
  return send(reply, problem(400, titleOf(400), error.message));
}

/** What is no request, came too slowly or has too long a head: answered before there is a reply object. */
export function answerNoRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, title] = NO_REQUEST[error.code ?? ""] ?? [400, "Bad Request"];
  const body = JSON.stringify({ type: "about:blank", title, status });
  const type = "application/problem+json";
  const head = `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\nConnection: close`;
  socket.end(`HTTP/1.1 ${status} ${title}\r\n${head}\r\n\r\n${body}`, () => socket.destroy());
}

/** Hosts that have been told of; more are counted by their answers alone. */
const MOST_TOLD = 100;

/** Says once for each host that somebody speaks SIP, or TLS, to an HTTP port: likely a device's wrong port. */
export function notesOtherProtocols(
  log: Logger,
): (error: Error & { readonly rawPacket?: unknown }, socket: Duplex) => void {
  const told = new Set<string>();
  return ({ rawPacket }, socket) => {
    const { remoteAddress = "", remotePort, localPort } = socket as IncomingMessage["socket"];
    const protocol = Buffer.isBuffer(rawPacket) ? otherProtocol(rawPacket) : undefined;
    if (protocol === undefined || told.has(remoteAddress) || told.size >= MOST_TOLD) return;
    told.add(remoteAddress);
    const source = `${formatHost(remoteAddress)}:${remotePort}/tcp`;
    const why = `it speaks ${protocol} to port ${localPort}, which is HTTP: devices use the P-CSCF's access port`;
    log.warn("http.not-http", { source, why });
  };
}

function formatHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function otherProtocol(octets: Buffer): string | undefined {
  if (octets[0] === 0x16 && octets[1] === 0x03) return "TLS";
  return octets.includes(" SIP/2.0\r\n") || octets.includes("SIP/2.0 ") ? "SIP" : undefined;
}

const NO_REQUEST: Readonly<Record<string, readonly [status: number, title: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout"],
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large"],
};

/** "/registrations/:impu" matches one segment in the place of the parameter. */
function patternOf(url: string): RegExp {
  const segments = url
    .split("/")
    .map((segment) =>
      segment.startsWith(":") ? "[^/]+" : segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
    );
  return new RegExp(`^${segments.join("/")}$`);
}

function asProblem(
  error: FastifyError | HttpProblem,
  request: FastifyRequest,
  log: Logger,
): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const status = error.statusCode ?? 500;
  // Fastify's own words for a bad request name the field and the rule, nothing of ours.
  if (status >= 400 && status < 500) return invalid(status, error as FastifyError);
  log.error("http.failed", { method: request.method, route: request.routeOptions.url, error });
  return problem(500, "Internal error", "The node's log says more.");
}

/** With what its words leave out: the parameter that is unknown, the words that are allowed. */
function invalid(status: number, { message, validation }: FastifyError): HttpProblem {
  const [first] = validation ?? [];
  if (first === undefined) return problem(status, titleOf(status), message);
  const { additionalProperty, allowedValues, missingProperty } = first.params;
  const within = first.instancePath.slice(1).replaceAll("/", ".");
  const inner = additionalProperty ?? missingProperty;
  const parameter = [within, inner]
    .filter((one) => typeof one === "string" && one !== "")
    .join(".");
  const more = Array.isArray(allowedValues)
    ? `: ${allowedValues.join(", ")}`
    : typeof additionalProperty === "string"
      ? `: ${additionalProperty}`
      : "";
  const extensions = parameter === "" ? {} : { parameter };
  return problem(status, titleOf(status), `${message}${more}`, extensions);
}

function titleOf(status: number): string {
  const titles: Readonly<Record<number, string>> = {
    413: "Body too large",
    415: "Body is not JSON",
  };
  return titles[status] ?? "Bad request";
}

function send(
  reply: FastifyReply,
  { statusCode, title, detail, headers, extensions }: HttpProblem,
): FastifyReply {
  return reply
    .code(statusCode)
    .headers(headers)
    .type("application/problem+json")
    .send(
      JSON.stringify({ type: "about:blank", title, status: statusCode, detail, ...extensions }),
    );
}
