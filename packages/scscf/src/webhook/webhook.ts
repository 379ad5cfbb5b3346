// The webhook: tells a web server of ends, in batches, again until it has them; a bounded queue between it and signalling.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import { SummedLines } from "@ims-lab/common/platform/summed-lines";
import type { RegistrationEvent, RegistrationSubscriber } from "../registration/events.ts";
import { type Delivery, deliver, type WebhookTarget } from "./delivery.ts";
import type { WebhookSettings } from "./settings.ts";

export interface WebhookOptions {
  readonly target: WebhookTarget;
  /** Events that wait; the oldest are dropped for more. */
  readonly maxQueued: number;
  /** Then a batch is given up. */
  readonly maxAttempts: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly fetch: typeof globalThis.fetch;
  /** What is told of an event; called when it is sent, not when it happens. */
  contentOf(event: RegistrationEvent): object | undefined;
  readonly counter?: Partial<WebhookCounter> | undefined;
}

export type WebhookOutcome = "delivered" | "given-up" | "dropped";

export interface WebhookCounter {
  /** So many events have met this outcome. */
  countWebhook(outcome: WebhookOutcome, events: number): void;
}

interface Waiting {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly event: RegistrationEvent;
}

/** Events of one body. */
export const MOST_IN_BATCH = 100;
/** What happens within it goes together. */
const GATHER_MS = 100;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** The same trouble is said once in it, then summed up. */
const LOG_PERIOD_MS = 60_000;

/** Milliseconds before the attempt after the `failed`th, doubling, with a fifth of chance. */
export function pauseAfter(failed: number, random: Random): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failed - 1));
  return pause * (0.8 + 0.4 * random.fraction());
}

/** Undefined where the settings name no target. */
export function webhookOf(
  { webhook }: { readonly webhook: WebhookSettings },
  tools: Pick<WebhookOptions, "clock" | "random" | "log"> & {
    readonly fetch?: typeof globalThis.fetch;
    readonly metrics?: Partial<WebhookCounter>;
  },
  contentOf: WebhookOptions["contentOf"],
): Webhook | undefined {
  const { url, secret, timeoutSeconds, maxAttempts, maxQueued } = webhook;
  const { fetch, clock, random, log, metrics: counter } = tools;
  if (url === undefined || secret === undefined || fetch === undefined) return undefined;
  const target = { url, secret, timeoutSeconds };
  const tool = { clock, random, log, fetch, contentOf, counter };
  return new Webhook({ target, maxQueued, maxAttempts, ...tool });
}

export class Webhook implements RegistrationSubscriber {
  readonly #options: WebhookOptions;
  readonly #lines: SummedLines;
  readonly #origin: string;
  readonly #over = new AbortController();
  #queue: Waiting[] = [];
  /** Under way, or to be tried again. */
  #batch: { readonly delivery: Delivery; readonly events: number; failed: number } | undefined;
  #timer: Timer | undefined;

  constructor(options: WebhookOptions) {
    const { clock, log, target } = options;
    this.#options = options;
    this.#origin = new URL(target.url).origin; // its path may be a secret
    this.#lines = new SummedLines({ clock, log, burst: 1, windowMs: LOG_PERIOD_MS });
  }

  on(event: RegistrationEvent): void {
    if (!isTold(event) || this.#over.signal.aborted) return;
    const { clock, maxQueued } = this.#options;
    this.#queue.push({ at: Math.round(clock.now()), event });
    if (this.#queue.length > maxQueued) {
      this.#queue.shift();
      this.#dropped(1, `more than ${maxQueued} events wait for it`);
    }
    if (this.#batch === undefined) this.#timer ??= clock.after(GATHER_MS, () => this.#sendNext());
  }

  /** Events that wait, those of the batch under way included. */
  get size(): number {
    return this.#queue.length + (this.#batch?.events ?? 0);
  }

  /** Says what was not delivered. */
  close(): void {
    const left = this.size;
    this.#over.abort();
    this.#timer?.cancel();
    this.#queue = [];
    this.#batch = undefined;
    if (left > 0) this.#dropped(left, "the node ends");
    this.#lines.close();
  }

  #sendNext(): void {
    this.#timer = undefined;
    const { random, contentOf } = this.#options;
    const taken = this.#queue.splice(0, MOST_IN_BATCH);
    const items = taken.flatMap(({ at, event }) => {
      const content = contentOf(event);
      return content === undefined ? [] : [{ at, ...content }];
    });
    if (items.length === 0) return;
    const id = random.hex(8);
    const delivery = { id, body: JSON.stringify({ id, items }) };
    this.#batch = { delivery, events: items.length, failed: 0 };
    void this.#attempt();
  }

  async #attempt(): Promise<void> {
    const batch = this.#batch;
    this.#timer = undefined;
    if (batch === undefined) return;
    const { target, clock, fetch, random, maxAttempts, counter } = this.#options;
    const signal = this.#over.signal;
    const why = await deliver(target, batch.delivery, { clock, fetch, signal });
    if (signal.aborted) return;
    if (why !== undefined) {
      batch.failed += 1;
      this.#failed(why, batch.failed);
      if (batch.failed < maxAttempts) {
        this.#timer = clock.after(pauseAfter(batch.failed, random), () => void this.#attempt());
        return;
      }
    } else if (batch.failed > 0) {
      this.#options.log.info("webhook.delivered-again", { url: this.#origin, after: batch.failed });
    }
    counter?.countWebhook?.(why === undefined ? "delivered" : "given-up", batch.events);
    this.#batch = undefined;
    if (this.#queue.length > 0) this.#sendNext();
  }

  #failed(why: string, attempt: number): void {
    const { maxAttempts } = this.#options;
    const next = attempt < maxAttempts ? "it is tried again" : "given up";
    this.#say("webhook.failed", `${why}; attempt ${attempt} of ${maxAttempts}, ${next}`);
  }

  #dropped(events: number, why: string): void {
    this.#options.counter?.countWebhook?.("dropped", events);
    this.#say("webhook.dropped", `${events} not delivered: ${why}`);
  }

  #say(event: "webhook.failed" | "webhook.dropped", why: string): void {
    const url = this.#origin;
    this.#lines.say({ level: "warn", event, key: url, host: url, fields: { url, why } });
  }
}

function isTold(event: RegistrationEvent): boolean {
  if (event.kind === "campaign-changed")
    return event.change === "stopped" || event.change === "finished";
  return event.kind === "reauthentication-ended";
}
