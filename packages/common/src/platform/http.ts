// The admin server of a node: health, metrics, OpenAPI, one bearer token; errors as RFC 9457 problems.
import { readFileSync } from "node:fs";
import swagger from "@fastify/swagger";
import { type FastifyInstance, fastify } from "fastify";
import { isHost } from "./cidr.ts";
import { SettingError } from "./config/error.ts";
import { limitConnections } from "./http/connections.ts";
import { guard } from "./http/guard.ts";
import { OPENAPI_VERSION, openApiOf } from "./http/openapi.ts";
import {
  answerBeforeRouting,
  answerNoRequest,
  answerProblems,
  notesOtherProtocols,
} from "./http/problem.ts";
import { isLoopback } from "./ip-address.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { Secret } from "./secret.ts";
import {
  host,
  integer,
  optional,
  port,
  type SchemaOf,
  seconds,
  secret,
  text,
  texts,
} from "./settings.ts";

export interface HttpSettings {
  readonly host: string;
  readonly port: number;
  readonly token: Secret | undefined;
  /** Where to read the token from instead, such as a container's volume. */
  readonly tokenFile: string | undefined;
  /** Further names in the Host header that are ours. */
  readonly names: readonly string[];
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  /** From connecting, or the first octet of a request, to the request's last. */
  readonly requestSeconds: number;
}

export function httpSettings(defaultPort: number): SchemaOf<HttpSettings> {
  return {
    host: host({ doc: "Where the admin interface listens.", default: "127.0.0.1" }),
    port: port({ doc: "Port of the admin interface; 0: any.", default: defaultPort }),
    token: secret({ doc: "Bearer token; needed outside loopback.", minLength: TOKEN_LENGTH }),
    tokenFile: optional(text({ doc: "File to read the bearer token from instead.", default: "" })),
    names: texts({
      doc: "Names this interface may be called by, beside localhost.",
      allowed: "a list of host names or addresses",
      accepts: isHost,
      default: [],
    }),
    maxBodyBytes: integer({
      doc: "Body of one request; longer: 413.",
      min: 1024,
      max: 100_000_000,
      default: BODY_LIMIT_OCTETS,
    }),
    maxConnections: integer({
      doc: "Connections of the admin interface; more are closed at once.",
      min: 1,
      max: 100_000,
      default: 500,
    }),
    requestSeconds: seconds({
      doc: "Time for a request to arrive whole; later: 408.",
      min: 1,
      max: 3_600,
      default: 30,
    }),
  };
}

/** Shorter ones can be guessed. */
const TOKEN_LENGTH = 16;

/** Names the node that answers, so that nobody takes one for another: "S-CSCF". */
export const NODE_HEADER = "x-ims-lab-node";

export interface AdminServerOptions {
  readonly settings: HttpSettings;
  readonly log: Logger;
  /** "S-CSCF": in every answer, and in the title of its OpenAPI document. */
  readonly node: string;
  readonly version: string;
  readonly metrics: Metrics;
  /** Whether the node takes work: `/readyz`. */
  ready(): boolean;
}

/** How often requests that take too long are looked for. */
const CHECK_MS = 1_000;

/** Bigger than any request of ours by far. */
const BODY_LIMIT_OCTETS = 256 * 1024;
/** Anything longer than an IMPU can be is not one. */
const LONGEST_PARAMETER = 1024;

/**
 * A fastify instance that has not started: add routes, then `listen({ host, port })` of the settings.
 * Throws SettingError for a listener outside loopback without a token,
 * and for a token file that cannot be used.
 */
export async function adminServer(options: AdminServerOptions): Promise<FastifyInstance> {
  const { settings, metrics } = options;
  const token = tokenOf(settings);
  if (token === undefined && !isLoopback(settings.host)) {
    throw new SettingError("http.token", undefined, "a token when http.host is not loopback");
  }
  const noteOther = notesOtherProtocols(options.log);
  const requestMs = settings.requestSeconds * 1000;
  const app = fastify({
    bodyLimit: settings.maxBodyBytes,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    forceCloseConnections: true,
    requestTimeout: requestMs,
    // A longer time for the head than for the whole, as is Node's default, switches both off.
    http: { connectionsCheckingInterval: CHECK_MS, headersTimeout: requestMs },
    clientErrorHandler: (error, socket) => {
      noteOther(error, socket);
      answerNoRequest(error, socket);
    },
    frameworkErrors: (error, _request, reply) => {
      answerBeforeRouting(error, reply);
    },
    // Unknown query parameters and properties are refused, not dropped.
    ajv: { customOptions: { removeAdditional: false, allErrors: false } },
  });
  // The routes' answers are described, not cut into shape: what is not described shows in a test.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  answerProblems(app, options.log);
  limitConnections(app.server, settings.maxConnections, options);
  const answers = metrics.counters("http_answers_total", "Answers of the admin interface.", [
    "status",
  ]);
  app.addHook("onResponse", (_request, { statusCode }, done) => {
    answers(String(statusCode)).inc();
    done();
  });
  app.addHook("onRequest", (_request, reply, done) => {
    reply.header(NODE_HEADER, options.node);
    done();
  });
  guard(app, { host: settings.host, names: settings.names, token });
  await app.register(swagger, {
    openapi: {
      openapi: OPENAPI_VERSION,
      info: { title: `ims-lab ${options.node}`, version: options.version },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
  });
  const hidden = { schema: { hide: true } };
  app.get("/healthz", hidden, () => ({ status: "alive" }));
  app.get("/readyz", hidden, (_request, reply) =>
    options.ready()
      ? reply.send({ status: "ready" })
      : reply.code(503).header("retry-after", "1").send({ status: "not ready" }),
  );
  app.get("/metrics", hidden, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
  app.get("/openapi.json", hidden, () => openApiOf(app));
  return app;
}

function tokenOf({ token, tokenFile }: HttpSettings): Secret | undefined {
  if (token !== undefined || tokenFile === undefined) return token;
  let text: string;
  try {
    text = readFileSync(tokenFile, "utf8").trim();
  } catch (problem) {
    throw new SettingError("http.tokenFile", tokenFile, `a file that can be read (${problem})`);
  }
  if (text.length < TOKEN_LENGTH) {
    const allowed = `a file with a token of at least ${TOKEN_LENGTH} characters`;
    throw new SettingError("http.tokenFile", tokenFile, allowed);
  }
  return new Secret(text);
}
