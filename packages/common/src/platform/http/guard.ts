// Who may use the admin interface: the bearer of the token; on loopback without one, this machine only.
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopback } from "../ip-address.ts";
import type { Secret } from "../secret.ts";
import { Problem, problem } from "./problem.ts";

interface Guarded {
  readonly host: string;
  readonly token: Secret | undefined;
  readonly names: readonly string[];
}

/** What probes and collectors read without a token. */
const OPEN: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

/** Refuses strangers before a route, a body or a 404 tells them anything. */
export function guard(app: FastifyInstance, settings: Guarded): void {
  const wanted = settings.token && digest(settings.token.reveal());
  app.addHook("onRequest", (request, _reply, done) => {
    if (OPEN.has(request.routeOptions.url ?? "")) done();
    else if (wanted === undefined) done(strangeOrigin(request, settings));
    else done(wrongToken(request, wanted));
  });
}

function wrongToken(request: FastifyRequest, wanted: Buffer): Problem | undefined {
  const [, given = ""] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
  if (timingSafeEqual(digest(given), wanted)) return undefined;
  return new Problem(401, "Token needed", "Send the header: Authorization: Bearer TOKEN", {
    "www-authenticate": "Bearer",
  });
}

/** Hashing makes the lengths equal, which timingSafeEqual needs. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** A web page must not reach a loopback listener, by DNS rebinding (Host) or by a form (Origin). */
function strangeOrigin({ headers }: FastifyRequest, settings: Guarded): Problem | undefined {
  const named = [headers.host ?? "", ...originHost(headers.origin)];
  const stranger = named.find((name) => !isOurs(hostOf(name), settings));
  if (stranger === undefined) return undefined;
  return problem(403, "Not for web pages", `"${stranger}" is not a name of this node: http.names.`);
}

function originHost(origin: string | undefined): string[] {
  return origin === undefined ? [] : [origin.replace(/^https?:\/\//, "")];
}

/** "[::1]:9062" → "[::1]", "localhost:9062" → "localhost". */
function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, "").toLowerCase();
}

function isOurs(host: string, { host: own, names }: Guarded): boolean {
  return isLoopback(host) || host === own || names.some((name) => name.toLowerCase() === host);
}
