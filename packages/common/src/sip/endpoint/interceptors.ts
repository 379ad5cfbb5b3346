// Interceptors: what may look at, change, delay, repeat or swallow each message on its way between sockets and endpoint.
import type { Clock } from "../../platform/clock.ts";
import type { Flow, SendFailure } from "../transport/transport.ts";

/** One whole message on the wire, before it is admitted or as it leaves; `bytes` are not to be written to. */
export interface WireMessage {
  readonly direction: "in" | "out";
  readonly bytes: Buffer;
  readonly flow: Flow;
  /** When it came or was to leave, milliseconds since the epoch. */
  readonly at: number;
  /** Of a message that leaves: told at most once that it could not. */
  readonly onFailure?: ((why: SendFailure) => void) | undefined;
}

/** Hands the message on with `next`: at once, later, changed, more than once, or never. */
export type Interceptor = (message: WireMessage, next: (message: WireMessage) => void) => void;

/** Carries a message by one of the two ways. */
export type Passage = (
  bytes: Buffer,
  flow: Flow,
  onFailure?: ((why: SendFailure) => void) | undefined,
) => void;

/** An interceptor that is met only at times. */
export interface SwitchedInterceptor {
  readonly intercept: Interceptor;
  /** Undefined while it is not met. Told of each change. */
  onSwitched(listener: () => void): void;
  readonly isOn: boolean;
}

/** One that is always met, or one that is switched. */
export type AnyInterceptor = Interceptor | SwitchedInterceptor;

/** Tells `use` the way that leads to `last`, and anew whenever it changes. */
export function keepIntercepted(
  {
    interceptors = [],
    clock,
  }: {
    readonly interceptors?: readonly AnyInterceptor[];
    readonly clock: Clock;
  },
  direction: WireMessage["direction"],
  last: Passage,
  use: (way: Passage) => void,
): void {
  const find = (): void => {
    const met = interceptors.flatMap((one) => {
      if (typeof one === "function") return one;
      return one.isOn ? one.intercept : [];
    });
    use(intercepted(met, direction, clock, last));
  };
  for (const one of interceptors) if (typeof one !== "function") one.onSwitched(find);
  find();
}

/** `last` behind all interceptors, the first of them outermost; `last` itself when there are none. */
export function intercepted(
  interceptors: readonly Interceptor[],
  direction: WireMessage["direction"],
  clock: Clock,
  last: Passage,
): Passage {
  if (interceptors.length === 0) return last;
  const chain = interceptors.reduceRight<(message: WireMessage) => void>(
    (next, interceptor) => (message) => interceptor(message, next),
    ({ bytes, flow, onFailure }) => last(bytes, flow, onFailure),
  );
  return (bytes, flow, onFailure) => chain({ direction, bytes, flow, at: clock.now(), onFailure });
}
