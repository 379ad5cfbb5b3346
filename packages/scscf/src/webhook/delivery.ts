// One attempt to deliver a webhook's body: signed, bounded in time, never redirected. RFC 2104, RFC 9110 §9.3.3.
import { createHmac } from "node:crypto";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Secret } from "@ims-lab/common/platform/secret";

export interface WebhookTarget {
  readonly url: string;
  readonly secret: Secret;
  readonly timeoutSeconds: number;
}

export interface Delivery {
  /** The same at every attempt, so that whoever gets it twice can tell. */
  readonly id: string;
  readonly body: string;
}

/** `sha256=` and 64 hexadecimal digits: HMAC-SHA-256 over `TIMESTAMP.BODY`. @param at milliseconds since the epoch */
export function signatureOf(secret: Secret, at: number, body: string): string {
  const digest = createHmac("sha256", secret.reveal()).update(`${at}.${body}`).digest("hex");
  return `sha256=${digest}`;
}

/** Undefined when it was taken; else why not. Never rejects. */
export async function deliver(
  target: WebhookTarget,
  { id, body }: Delivery,
  {
    clock,
    fetch,
    signal,
  }: {
    readonly clock: Clock;
    readonly fetch: typeof globalThis.fetch;
    /** Ends the attempt. */
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  const late = new AbortController();
  const { url, secret, timeoutSeconds } = target;
  const timer = clock.after(timeoutSeconds * 1000, () => late.abort());
  const at = Math.floor(clock.now());
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      // Where a redirect leads has nobody approved, and it would get what is meant for another.
      redirect: "manual",
      signal: AbortSignal.any([late.signal, signal]),
      headers: {
        "content-type": "application/json",
        "x-ims-lab-delivery": id,
        "x-ims-lab-timestamp": String(at),
        "x-ims-lab-signature": signatureOf(secret, at, body),
      },
    });
    const { status } = response;
    response.body?.cancel().catch(() => undefined); // nobody reads it, however long it is
    if (status >= 200 && status < 300) return undefined;
    const hint = status >= 300 && status < 400 ? ": redirects are not followed" : "";
    return `it answered ${status}${hint}`;
  } catch (problem) {
    if (late.signal.aborted) return `no answer within ${timeoutSeconds} s`;
    return `it cannot be reached: ${causeOf(problem)}`;
  } finally {
    timer.cancel();
  }
}

/** fetch says "fetch failed"; the reason is in its cause. */
function causeOf(problem: unknown): string {
  const inner = problem instanceof Error ? (problem.cause ?? problem) : problem;
  if (!(inner instanceof Error)) return String(inner);
  return "code" in inner ? String(inner.code) : inner.message;
}
