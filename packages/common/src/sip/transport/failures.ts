// System errors as the port's failures; peers cause these, so they are values. RFC 3261 §18.4.
import type { SendFailure } from "./transport.ts";

const FAILURES: Readonly<Record<string, SendFailure>> = {
  EMSGSIZE: "too-large",
  ETIMEDOUT: "timeout",
  ECONNRESET: "closed",
  EPIPE: "closed",
  EAGAIN: "overloaded",
  ENOBUFS: "overloaded",
  ENOMEM: "overloaded",
  EMFILE: "overloaded",
  ENFILE: "overloaded",
  EADDRNOTAVAIL: "overloaded",
};

/** Anything not named (ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENOTFOUND …): it cannot be reached. */
export function failureOf(error: NodeJS.ErrnoException): SendFailure {
  return FAILURES[error.code ?? ""] ?? "refused";
}
