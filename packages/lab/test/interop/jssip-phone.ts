// JsSIP over a WebSocket: a phone that registers, and again when it is told to. RFC 7118.
import JsSIP from "jssip";
import { expect, vi } from "vitest";
import type { DigestAccount } from "../../src/launcher/accounts.ts";
import { LOOPBACK } from "./free-ports.ts";

const PATIENCE = { timeout: 10_000, interval: 20 };

export interface JsSipPhone {
  /** REGISTER; over again it refreshes. */
  register(): Promise<void>;
  stop(): Promise<void>;
}

export async function startJsSipPhone(
  account: DigestAccount,
  webSocketPort: number,
): Promise<JsSipPhone> {
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(`ws://${LOOPBACK}:${webSocketPort}`)],
    uri: account.impu,
    authorization_user: account.impi,
    password: account.password,
    register: false,
  });
  const failures: string[] = [];
  agent.on("registrationFailed", ({ cause }) => failures.push(String(cause)));
  agent.start();
  await vi.waitFor(() => expect(agent.isConnected()).toBe(true), PATIENCE);
  return {
    register: async () => {
      agent.register();
      await vi.waitFor(
        () => expect([failures, agent.isRegistered()]).toEqual([[], true]),
        PATIENCE,
      );
    },
    stop: async () => {
      agent.stop(); // which de-registers first
      await vi.waitFor(() => expect(agent.isConnected()).toBe(false), PATIENCE);
    },
  };
}
