// Effects of one rule of the network on the messages that it is about. docs/faults.md.
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Interceptor, WireMessage } from "../sip/endpoint/interceptors.ts";
import { isAbout, type NetworkRule, networkSetting } from "./network-rule.ts";

export interface FaultyMessages {
  readonly rule: NetworkRule;
  /** Messages that it is about, since it was put. */
  readonly seen: number;
  /** Those of them that were lost, late, doubled or held. */
  readonly acted: number;
  readonly intercept: Interceptor;
}

export function faultyMessages(
  rule: NetworkRule,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): FaultyMessages {
  const act = ACTS[rule.action](rule, clock);
  const counts = { seen: 0, acted: 0 };
  const intercept: Interceptor = (message, next) => {
    const name = message.direction === "out" ? nameIfMeant(rule, message.bytes) : undefined;
    if (name === undefined) {
      if (message.direction === "out") act.other(message, next);
      else next(message);
      return;
    }
    counts.seen += 1;
    if (counts.seen < rule.first || counts.seen > rule.last) {
      act.other(message, next);
      return;
    }
    counts.acted += 1;
    log.warn("network.fault", { rule: networkSetting(rule), message: name, number: counts.seen });
    act.meant(message, next);
  };
  return {
    rule,
    intercept,
    get seen() {
      return counts.seen;
    },
    get acted() {
      return counts.acted;
    },
  };
}

type Next = Parameters<Interceptor>[1];

interface Act {
  meant(message: WireMessage, next: Next): void;
  /** A message on the same way that the rule is not about. */
  other(message: WireMessage, next: Next): void;
}

const pass = (message: WireMessage, next: Next): void => next(message);

const ACTS: Readonly<Record<NetworkRule["action"], (rule: NetworkRule, clock: Clock) => Act>> = {
  drop: () => ({ meant: () => undefined, other: pass }),
  delay: ({ milliseconds }, clock) => ({
    meant: (message, next) => {
      clock.after(milliseconds, () => next({ ...message, at: clock.now() }));
    },
    other: pass,
  }),
  duplicate: () => ({
    meant: (message, next) => {
      next(message);
      next({ ...message, onFailure: undefined });
    },
    other: pass,
  }),
  reorder: ({ milliseconds }, clock) => overtaken(milliseconds, clock),
};

/** Waits for the next message of the way, which leaves before it; after some time it leaves by itself. */
function overtaken(milliseconds: number, clock: Clock): Act {
  let release: (() => void) | undefined;
  const other = (message: WireMessage, next: Next): void => {
    next(message);
    release?.();
  };
  return {
    other,
    meant(message, next) {
      const waiting = release;
      const timer = clock.after(milliseconds, () => release?.());
      release = () => {
        timer.cancel();
        release = undefined;
        next({ ...message, at: clock.now() });
      };
      waiting?.();
    },
  };
}

const CRLF = "\r\n";

/** `NOTIFY` or `200 NOTIFY`; undefined for a message that the rule is not about. */
function nameIfMeant(rule: NetworkRule, bytes: Buffer): string | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  const head = bytes.toString("latin1", 0, end < 0 ? Math.min(bytes.length, 8192) : end);
  const [, version, status = "", request] =
    /^(?:(SIP\/2\.0) (\d{3})|([A-Z]{2,20}) )/.exec(head) ?? [];
  const method = request ?? /\r\nCSeq[ \t]*:[ \t]*\d+[ \t]+([A-Z]+)/i.exec(head)?.[1];
  if (method === undefined) return undefined;
  const isResponse = version !== undefined;
  if (!isAbout(rule, method, isResponse ? Number(status) : undefined)) return undefined;
  if (rule.from === "S" && rule.to === "U" && !goesOn(head, isResponse)) return undefined;
  return isResponse ? `${status} ${method}` : method;
}

/** Past the P-CSCF: a response to what came by it, a request whose Route or Path leads on. */
function goesOn(head: string, isResponse: boolean): boolean {
  const name = isResponse ? "via" : "route";
  const lines = head.split(CRLF).filter((line) => line.toLowerCase().startsWith(`${name}:`));
  return lines.join(",").split(",").length > (isResponse ? 1 : 0) && lines.length > 0;
}
