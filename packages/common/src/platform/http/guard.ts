// Access to the admin interface: the bearer of the token; on loopback without one, this machine only.
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopback } from "../ip-address.ts";
import type { Secret } from "../secret.ts";
import { HttpProblem, problem } from "./problem.ts";

interface Guarded {
  readonly host: string;
  readonly token: Secret | undefined;
  readonly names: readonly string[];
}

/** What probes read whatever they call us: it says nothing but "alive" and "ready". */
const PROBED: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);
/** What collectors read without a token. */
const METRICS = "/metrics";

/** Refuses strangers before a route, a body or a 404 tells them anything. */
export function guard(app: FastifyInstance, settings: Guarded): void {
  const wanted = settings.token && digest(settings.token.reveal());
  app.addHook("onRequest", (request, _reply, done) => {
    const { url = "" } = request.routeOptions;
    if (PROBED.has(url)) done();
    else if (wanted === undefined) done(strangeHost(request, settings) ?? webPage(request));
    else if (url === METRICS) done();
    else done(wrongToken(request, wanted));
  });
}

function wrongToken(request: FastifyRequest, wanted: Buffer): HttpProblem | undefined {
  const [, given = ""] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
  if (timingSafeEqual(digest(given), wanted)) return undefined;
  return new HttpProblem(401, "Token needed", "Send the header: Authorization: Bearer TOKEN", {
    "www-authenticate": "Bearer",
  });
}

/** Hashing makes the lengths equal, which timingSafeEqual needs. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** By DNS rebinding a web page calls a loopback listener by a name of its own. */
function strangeHost({ headers }: FastifyRequest, settings: Guarded): HttpProblem | undefined {
  const { host = "" } = headers;
  if (isOurs(hostOf(host), settings)) return undefined;
  return problem(403, "Not for web pages", `"${host}" is not a name of this node: http.names.`);
}

/**
 * A page of another origin, be it another port of this machine, may send a form or a simple request without
 * asking (Fetch §3.2): none of that is obeyed. Programs send neither header.
 */
function webPage({ headers }: FastifyRequest): HttpProblem | undefined {
  const { host = "", origin, "sec-fetch-site": site = "none" } = headers;
  const isOwn = origin === undefined || /^https?:\/\/(.*)$/i.exec(origin)?.[1] === host;
  if (isOwn && (site === "none" || site === "same-origin")) return undefined;
  const from = isOwn ? "another site" : `"${origin}"`;
  return problem(403, "Not for web pages", `A page of ${from} may not use this interface.`);
}

/** "[::1]:9062" → "[::1]", "localhost:9062" → "localhost". */
function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, "").toLowerCase();
}

function isOurs(host: string, { host: own, names }: Guarded): boolean {
  return isLoopback(host) || host === own || names.some((name) => name.toLowerCase() === host);
}
