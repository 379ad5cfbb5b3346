// Requests to the admin interfaces before they are damaged; none of them touches the users that must stay well.
import type { HttpRequest } from "./http-thrower.ts";
import { DOMAIN } from "./processes.ts";

const MAYBE = encodeURIComponent(`sip:softphone@${DOMAIN}`);

const COMMON: readonly HttpRequest[] = [
  { method: "GET", path: "/registrations?limit=10&offset=0" },
  { method: "GET", path: "/openapi.json" },
  { method: "GET", path: "/metrics" },
  {
    method: "POST",
    path: `/registrations/${MAYBE}/reauthenticate?wait=0`,
    body: '{"contact":"sip:softphone@127.0.0.1:5999"}',
  },
];

export const SCSCF_REQUESTS: readonly HttpRequest[] = [
  ...COMMON,
  { method: "GET", path: `/registrations/${MAYBE}` },
  { method: "DELETE", path: `/registrations/${MAYBE}?cause=probation&retryAfterSeconds=3` },
  {
    method: "DELETE",
    path: `/registrations/${encodeURIComponent("tel:+15550005")}?cause=rejected&contact=sip:a`,
  },
  { method: "GET", path: "/reauthentications?limit=3" },
  { method: "GET", path: "/reauthentications/none" },
  { method: "GET", path: "/subscribers?offset=99999&limit=2" },
  { method: "GET", path: `/subscribers/softphone@${DOMAIN}` },
  { method: "PUT", path: `/subscribers/softphone@${DOMAIN}`, body: '{"impi":"x"}' },
];

export const PCSCF_REQUESTS: readonly HttpRequest[] = COMMON;

/** @param identity one of the process's own users */
export function ueRequests(identity: string): readonly HttpRequest[] {
  const to = `sip:deskphone@${DOMAIN}`;
  const post = (path: string, body: object): HttpRequest => ({
    method: "POST",
    path,
    body: JSON.stringify(body),
  });
  return [
    { method: "GET", path: "/state?limit=3&offset=1" },
    { method: "GET", path: "/metrics" },
    post("/register", { identity }),
    post("/call", { identity, to }),
    post("/message", { identity, to, text: "hello \u00e9" }),
    post("/hold", { identity, on: false }),
    post("/hangup", { identity }),
    post("/answer", { identity }),
  ];
}
