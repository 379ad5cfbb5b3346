// Network faults at the sender of a message: lost, late, twice, overtaken. Rules count what leaves, retransmissions too.
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { type Setting, texts } from "../platform/settings.ts";
import type { Interceptor, WireMessage } from "../sip/endpoint/interceptors.ts";
import {
  isRuleProblem,
  type NetworkRule,
  type Place,
  parseNetworkSetting,
} from "./network-rule.ts";

export function networkFaultSetting(): Setting<readonly string[]> {
  return texts({
    doc: "What becomes of messages that leave here: drop|delay|duplicate|reorder WHAT FROM>TO [N|N-M|*] [TIME].",
    allowed: 'a list of rules such as "drop NOTIFY S>P 1"',
    accepts: (written) => written.length > 0,
    default: [],
  });
}

/** What is wrong with the setting; none: nothing. */
export function impossibleNetworkFaults(
  setting: readonly string[],
): readonly { readonly key: string; readonly allowed: string }[] {
  return setting.flatMap((written) => {
    const rule = parseNetworkSetting(written);
    return isRuleProblem(rule)
      ? [{ key: "networkFaults", allowed: `other rules: ${rule.problem}` }]
      : [];
  });
}

export interface NetworkFaultTools {
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * For the endpoint that sends this way; none where no rule is about it, so that it costs nothing. The first
 * interceptor of an endpoint: what is traced is then what leaves.
 */
export function networkFaults(
  setting: readonly string[],
  way: { readonly from: Place; readonly to: Place },
  tools: NetworkFaultTools,
): readonly Interceptor[] {
  return setting.flatMap((written) => {
    const rule = parseNetworkSetting(written);
    return isRuleProblem(rule) || !isOfWay(rule, way) ? [] : [faulty(rule, tools)];
  });
}

/** What goes on to the other side leaves by the leg in between. */
function isOfWay(rule: NetworkRule, way: { readonly from: Place; readonly to: Place }): boolean {
  return rule.from === way.from && (rule.to === way.to || way.to === "P");
}

type Next = Parameters<Interceptor>[1];

function faulty(rule: NetworkRule, { clock, log }: NetworkFaultTools): Interceptor {
  let count = 0;
  const act = ACTS[rule.action](rule, clock);
  return (message, next) => {
    const name = message.direction === "out" ? nameIfMeant(rule, message.bytes) : undefined;
    if (name === undefined) {
      if (message.direction === "out") act.other(message, next);
      else next(message);
      return;
    }
    count += 1;
    if (count < rule.first || count > rule.last) {
      act.other(message, next);
      return;
    }
    log.warn("network.fault", {
      rule: `${rule.action} ${rule.text}`,
      message: name,
      number: count,
    });
    act.meant(message, next);
  };
}

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
  if (rule.method !== undefined && rule.method !== method) return undefined;
  if (
    rule.status === undefined
      ? isResponse && rule.method !== undefined
      : rule.status !== Number(status)
  )
    return undefined;
  if (rule.from === "S" && rule.to === "U" && !goesOn(head, isResponse)) return undefined;
  return isResponse ? `${status} ${method}` : method;
}

/** Past the P-CSCF: a response to what came by it, a request whose Route or Path leads on. */
function goesOn(head: string, isResponse: boolean): boolean {
  const name = isResponse ? "via" : "route";
  const lines = head.split(CRLF).filter((line) => line.toLowerCase().startsWith(`${name}:`));
  return lines.join(",").split(",").length > (isResponse ? 1 : 0) && lines.length > 0;
}
