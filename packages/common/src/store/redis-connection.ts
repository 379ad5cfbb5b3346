// One connection to a Redis or Valkey: commands with a limit of time, no repetition of its own.
import type { Clock } from "../platform/clock.ts";
import type { Secret } from "../platform/secret.ts";

export interface RedisAddress {
  /** `redis://HOST:PORT/DB`, without a password. */
  readonly url: string;
  readonly password: Secret | undefined;
}

export interface RedisConnection {
  /** Rejects with RedisRefusal when Redis has answered that it does not; else its fate is unknown. */
  command(args: readonly string[]): Promise<unknown>;
  /** What is published in these channels; then it takes no commands any more. */
  hear(channels: readonly string[], onMessage: (text: string) => void): Promise<void>;
  /** At once, whatever is under way. */
  close(): void;
}

/** Redis has answered with an error: nothing of the command has happened. */
export class RedisRefusal extends Error {}

const CONNECT_MS = 2000;
/** A Redis that answers later than this is away. */
const ANSWER_MS = 2000;

/** @param onLost once, after it was open */
export async function connectRedis(
  { url, password }: RedisAddress,
  clock: Clock,
  onLost: (why: Error) => void,
): Promise<RedisConnection> {
  // A third of all files that a node would load: where there is a Redis, and nowhere else.
  const { createClient, ErrorReply } = await import("@redis/client");
  const client = createClient({
    url,
    ...(password !== undefined && { password: password.reveal() }),
    disableOfflineQueue: true,
    // RESP2: what every Valkey and Redis since 2.6 speaks.
    RESP: 2,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false },
  });
  let isLost = false;
  let isOpen = false;
  const close = (): void => {
    if (client.isOpen) client.destroy();
  };
  const lost = (why: Error): void => {
    if (isLost) return;
    isLost = true;
    close();
    if (isOpen) onLost(why);
  };
  client.on("error", (why: Error) => lost(why));
  client.on("end", () => lost(new Error("the connection has ended")));
  await within(clock, CONNECT_MS, client.connect(), close);
  isOpen = true;
  return {
    command: async (args) => {
      const answer = client.sendCommand([...args]);
      try {
        return await within(clock, ANSWER_MS, answer, () =>
          lost(new Error(`no answer in ${ANSWER_MS} ms`)),
        );
      } catch (problem) {
        if (problem instanceof ErrorReply) throw new RedisRefusal(problem.message);
        throw problem;
      }
    },
    hear: async (channels, onMessage) => {
      const heard = client.subscribe([...channels], onMessage).then(() => undefined);
      await within(clock, ANSWER_MS, heard, () => lost(new Error(`no answer in ${ANSWER_MS} ms`)));
    },
    close: () => {
      isLost = true;
      close();
    },
  };
}

function within<T>(
  clock: Clock,
  milliseconds: number,
  work: Promise<T>,
  onLate: () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(milliseconds, () => {
      reject(new Error(`no answer in ${milliseconds} ms`));
      onLate();
    });
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (problem: unknown) => {
        timer.cancel();
        reject(problem);
      },
    );
  });
}
