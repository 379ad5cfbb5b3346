// What follows when a binding changes: NOTIFYs, subscriptions at the P-CSCF, log lines, events. Design §3, §4.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { PcscfSubscriptions } from "./notifier/pcscf-subscriptions.ts";
import type { NotifierListener, RegistrationNotifier } from "./notifier/registration-notifier.ts";
import type { Ended } from "./reauthentication/reauthentication.ts";
import type { Reauthentications } from "./reauthentication/reauthentications.ts";
import type { Binding } from "./registrar/binding.ts";
import type { Bindings } from "./registrar/bindings.ts";
import type { BindingListener, Lifecycle } from "./registrar/lifecycle.ts";
import type { KeptDialogs } from "./routing/kept-dialogs.ts";

export interface ReactingParts {
  readonly notifier: RegistrationNotifier;
  readonly pcscfSubscriptions: PcscfSubscriptions;
  readonly reauthentications: Reauthentications;
  /** Undefined: calls are left alone. */
  readonly dialogs: KeptDialogs | undefined;
}

export interface Reactions {
  readonly listener: BindingListener;
  onNotifier(lifecycle: Lifecycle, bindings: Bindings, clock: Clock): NotifierListener;
  /** The parts and the bindings need each other: to be called before anything happens. */
  connect(parts: ReactingParts): void;
}

export function bindingReactions(options: {
  readonly log: Logger;
  readonly subscribesAtPcscf: boolean;
  onEnded(reauthentication: Ended): void;
}): Reactions {
  const { log, subscribesAtPcscf } = options;
  let parts: ReactingParts | undefined;
  const connected = (): ReactingParts => {
    if (parts === undefined) throw new Error("a binding changed before the node was wired");
    return parts;
  };
  return {
    connect: (given) => {
      parts = given;
    },
    onNotifier(lifecycle, bindings, clock) {
      const listener = toBindings(lifecycle, clock);
      const onSubscribed = (token: string): void => {
        listener.onSubscribed(token);
        const binding = bindings.get(token);
        if (binding !== undefined && subscribesAtPcscf)
          connected().pcscfSubscriptions.subscribe(binding); // Figure 4, message 13
      };
      return { ...listener, onSubscribed };
    },
    listener: {
      onBound(binding) {
        if (log.enabled("info")) log.info("registration.bound", fieldsOf(binding));
        connected().notifier.show(binding);
        if (subscribesAtPcscf && !isAwaited(binding))
          connected().pcscfSubscriptions.subscribe(binding);
      },
      onRefreshed(binding, before) {
        if (log.enabled("debug")) log.debug("registration.refreshed", fieldsOf(binding));
        if (subscribesAtPcscf && !isAwaited(binding))
          connected().pcscfSubscriptions.renew(binding, before);
      },
      onShow: (binding) => connected().notifier.show(binding),
      onMoved: (binding, from) => connected().notifier.moved(binding, from),
      onTrigger(binding) {
        const reauthentication = binding.reauthentication?.id;
        log.info("reauthentication.requested", { ...fieldsOf(binding), reauthentication });
        connected().notifier.trigger(binding);
      },
      onOverdue: (binding) => log.warn("subscription.overdue", fieldsOf(binding)),
      onEnded(reauthentication) {
        log.info("reauthentication.ended", fieldsOfEnded(reauthentication));
        options.onEnded(reauthentication);
        connected().reauthentications.ended(reauthentication);
      },
      onGone(binding, cause) {
        log.info("registration.removed", { ...fieldsOf(binding), cause: cause.kind });
        const { notifier, pcscfSubscriptions, dialogs } = connected();
        const released = dialogs?.release(binding.token) ?? 0; // TS 24.229 §5.4.1.5: calls first
        if (released > 0) log.info("dialogs.released", { ...fieldsOf(binding), released });
        const isKnown = cause.kind === "unregistered" || notifier.isWatchedByPcscf(binding.set);
        notifier.gone(binding, cause);
        if (subscribesAtPcscf) pcscfSubscriptions.end(binding, isKnown);
      },
    },
  };
}

/** Figure 4: the S-CSCF subscribes after the UE; a device that need not subscribe is not waited for. */
function isAwaited({ mode, duty }: Binding): boolean {
  return mode === "enforce" && duty.state === "owed";
}

/** What the notifier learns becomes input of the bindings. */
function toBindings(lifecycle: Lifecycle, clock: Clock): NotifierListener {
  return {
    onSubscribed: (token) => lifecycle.input(token, { kind: "subscribed", at: clock.now() }),
    onUnsubscribed: (token) => lifecycle.input(token, { kind: "unsubscribed", at: clock.now() }),
    onNotified: (token, at) => lifecycle.input(token, { kind: "notified", at }),
    onAcknowledged: (token) => lifecycle.input(token, { kind: "acknowledged", at: clock.now() }),
    onNotifyFailed: (token, why) => lifecycle.input(token, { kind: "notify-failed", why }),
  };
}

function fieldsOf({ impi, impu, callId, address }: Binding): Record<string, string> {
  return { impi, impu, callId, contact: address.contact };
}

function fieldsOfEnded(ended: Ended): Record<string, string | undefined> {
  const { id, impi, impu, cause, end, course } = ended;
  const why = course.refusal ?? course.notifyFailure;
  return { reauthentication: id, impi, impu, cause, end, why };
}
