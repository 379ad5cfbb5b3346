// A browser's softphone: SIP.js over a WebSocket, with a description of audio that nobody plays.
import {
  type Invitation,
  Inviter,
  Registerer,
  RegistererState,
  type Session,
  type SessionDescriptionHandler,
  SessionState,
  UserAgent,
} from "sip.js";
import { expect, vi } from "vitest";
import type { DigestAccount } from "../../src/launcher/accounts.ts";
import { LOOPBACK } from "./free-ports.ts";

const PATIENCE = { timeout: 10_000, interval: 20 };

/** RTP's discard port: what comes is thrown away. */
const SDP = [
  "v=0",
  `o=- 1 1 IN IP4 ${LOOPBACK}`,
  "s=-",
  `c=IN IP4 ${LOOPBACK}`,
  "t=0 0",
  "m=audio 9 RTP/AVP 0",
  "a=rtpmap:0 PCMU/8000",
  "",
].join("\r\n");

/** What a browser's RTCPeerConnection would do; keeps what the other side described. */
class SilentMedia implements SessionDescriptionHandler {
  readonly #heard: string[];

  constructor(heard: string[]) {
    this.#heard = heard;
  }

  close(): void {
    // Nothing is open.
  }
  hasDescription(contentType: string): boolean {
    return contentType === "application/sdp";
  }
  getDescription(): Promise<{ body: string; contentType: string }> {
    return Promise.resolve({ body: SDP, contentType: "application/sdp" });
  }
  setDescription(sdp: string): Promise<void> {
    this.#heard.push(sdp);
    return Promise.resolve();
  }
  sendDtmf(): boolean {
    return false;
  }
}

export interface BrowserPhone {
  /** Descriptions of the other side, in order. */
  readonly heard: readonly string[];
  /** REGISTER; over again it refreshes. */
  register(): Promise<void>;
  /** Calls, and resolves when the call is up. */
  call(target: string): Promise<Session>;
  /** Resolves with the call that came, answered and up. */
  answered(): Promise<Session>;
  unregister(): Promise<void>;
  stop(): Promise<void>;
}

export async function startBrowserPhone(
  account: DigestAccount,
  webSocketPort: number,
): Promise<BrowserPhone> {
  const heard: string[] = [];
  const calls: Invitation[] = [];
  const uri = UserAgent.makeURI(account.impu);
  if (uri === undefined) throw new Error(`${account.impu} is no URI to SIP.js`);
  const agent = new UserAgent({
    uri,
    authorizationUsername: account.impi,
    authorizationPassword: account.password,
    transportOptions: { server: `ws://${LOOPBACK}:${webSocketPort}` },
    sessionDescriptionHandlerFactory: () => new SilentMedia(heard),
    logBuiltinEnabled: false,
    delegate: { onInvite: (invitation) => void calls.push(invitation) },
  });
  await agent.start();
  const registerer = new Registerer(agent);
  const isIn = (state: RegistererState): Promise<void> =>
    vi.waitFor(() => expect(registerer.state).toBe(state), PATIENCE);
  return {
    heard,
    register: async () => {
      let answered: string | undefined;
      await registerer.register({
        requestDelegate: {
          onAccept: () => {
            answered = "accepted";
          },
          onReject: ({ message }) => {
            answered = `${message.statusCode} ${message.reasonPhrase}`;
          },
        },
      });
      await vi.waitFor(() => expect(answered).toBe("accepted"), PATIENCE);
      await isIn(RegistererState.Registered);
    },
    call: async (target) => {
      const to = UserAgent.makeURI(target);
      if (to === undefined) throw new Error(`${target} is no URI to SIP.js`);
      const inviter = new Inviter(agent, to);
      await inviter.invite();
      await untilState(inviter, SessionState.Established);
      return inviter;
    },
    answered: async () => {
      await vi.waitFor(() => expect(calls.length, "calls that came").toBeGreaterThan(0), PATIENCE);
      const call = calls.pop();
      if (call === undefined) throw new Error("no call");
      await call.accept();
      await untilState(call, SessionState.Established);
      return call;
    },
    unregister: async () => {
      await registerer.unregister();
      await isIn(RegistererState.Unregistered);
    },
    stop: () => agent.stop(),
  };
}

export async function untilState(session: Session, state: SessionState): Promise<void> {
  await vi.waitFor(() => expect(session.state).toBe(state), PATIENCE);
}
