// The way to the rows of a cluster: its scripts, and what its nodes tell each other.
import type { Clock } from "../platform/clock.ts";
import { CLUSTER_SCRIPTS, type ClusterScript } from "./cluster-scripts.ts";
import { connectRedis, type RedisAddress } from "./redis-connection.ts";

export interface ClusterConnection {
  /** One step. Rejects with RedisRefusal when nothing of it has happened; else its fate is unknown. */
  run(script: ClusterScript, args: readonly string[]): Promise<unknown>;
  /** At once, whatever is under way. */
  close(): void;
}

export interface ConnectionEvents {
  /** Once, after it was open. */
  onLost(why: Error): void;
  onMessage(text: string): void;
}

export type ConnectCluster = (node: string, events: ConnectionEvents) => Promise<ClusterConnection>;

/** Two connections: whoever hears what is published cannot ask anything. @param prefix of all keys */
export function redisCluster(address: RedisAddress, clock: Clock, prefix: string): ConnectCluster {
  return async (node, { onLost, onMessage }) => {
    let isClosed = false;
    const close = (): void => {
      isClosed = true;
      listener.close();
      connection?.close();
    };
    const lost = (why: Error): void => {
      if (isClosed) return;
      close();
      onLost(why);
    };
    const listener = await connectRedis(address, clock, lost);
    let connection: Awaited<ReturnType<typeof connectRedis>> | undefined;
    try {
      await listener.hear([`${prefix}to:${node}`, `${prefix}all`], onMessage);
      connection = await connectRedis(address, clock, lost);
    } catch (problem) {
      close();
      throw problem;
    }
    const commands = connection;
    return {
      run: (script, args) =>
        commands.command(["EVAL", CLUSTER_SCRIPTS[script], "1", prefix, ...args]),
      close,
    };
  };
}
