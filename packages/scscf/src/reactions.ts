// What follows when a binding changes: NOTIFYs, subscriptions at the P-CSCF, log lines, events.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { LogFields, Logger } from "@ims-lab/common/platform/logger";
import type { DialogTable } from "./dialogs/dialog-table.ts";
import { reasonOfEnd, whyRemoved } from "./history/end-reasons.ts";
import type { EventKind } from "./history/event-words.ts";
import type { UserHistory } from "./history/user-history.ts";
import { describeFailure } from "./notifier/notify-failure.ts";
import type { NotifierListener, RegistrationNotifier } from "./notifier/registration-notifier.ts";
import type { PcscfSubscriptions } from "./pcscf-subscription/pcscf-subscriptions.ts";
import type { Binding } from "./registration/binding.ts";
import type { Bindings } from "./registration/bindings.ts";
import type { Ended } from "./registration/reauthentication.ts";
import type { Reauthentications } from "./registration/reauthentications.ts";
import type { BindingListener, Registrations } from "./registration/registrations.ts";

export interface ReactingParts {
  readonly notifier: RegistrationNotifier;
  readonly pcscfSubscriptions: PcscfSubscriptions;
  readonly reauthentications: Reauthentications;
  /** Undefined: calls are left alone. */
  readonly dialogs: DialogTable | undefined;
}

export interface Reactions {
  readonly listener: BindingListener;
  onNotifier(registrations: Registrations, bindings: Bindings, clock: Clock): NotifierListener;
  /** The parts and the bindings need each other: to be called before anything happens. */
  connect(parts: ReactingParts): void;
}

export function bindingReactions(options: {
  readonly log: Logger;
  readonly history: UserHistory;
  /** Time to subscribe. */
  readonly dutySeconds: number;
  readonly subscribesAtPcscf: boolean;
  onEnded(reauthentication: Ended): void;
}): Reactions {
  const { log, history, subscribesAtPcscf } = options;
  /** Whatever ends with its binding ends right before it. */
  let lastEnded: Ended | undefined;
  let parts: ReactingParts | undefined;
  const connected = (): ReactingParts => {
    if (parts === undefined) throw new Error("a binding changed before the node was wired");
    return parts;
  };
  return {
    connect: (given) => {
      parts = given;
    },
    onNotifier(registrations, bindings, clock) {
      const listener = noted(toBindings(registrations, clock), bindings, history);
      const onSubscribed = (token: string, eventPackage: string): void => {
        listener.onSubscribed(token, eventPackage);
        const binding = bindings.get(token);
        if (binding !== undefined && subscribesAtPcscf)
          connected().pcscfSubscriptions.subscribe(binding); // Figure 4, message 13
      };
      return { ...listener, onSubscribed };
    },
    listener: {
      onBound(binding) {
        if (log.enabled("info")) log.info("registration.bound", fieldsOf(binding));
        history.note(binding.impi, "registered", binding.address.contact);
        connected().notifier.show(binding);
        if (subscribesAtPcscf && !isAwaited(binding))
          connected().pcscfSubscriptions.subscribe(binding);
      },
      onRefreshed(binding, before) {
        if (log.enabled("debug")) log.debug("registration.refreshed", fieldsOf(binding));
        history.note(binding.impi, "refreshed", binding.address.contact);
        if (subscribesAtPcscf && !isAwaited(binding))
          connected().pcscfSubscriptions.renew(binding, before);
      },
      onShow: (binding) => connected().notifier.show(binding),
      onMoved: (binding, from) => connected().notifier.moved(binding, from),
      onTrigger(binding) {
        const reauthentication = binding.reauthentication?.id;
        log.info("reauthentication.requested", { ...fieldsOf(binding), reauthentication });
        history.note(binding.impi, "notified");
        connected().notifier.trigger(binding);
      },
      onOverdue(binding) {
        const why = `no SUBSCRIBE within ${options.dutySeconds} s`;
        log.warn("subscription.overdue", { ...fieldsOf(binding), why });
        history.note(binding.impi, "overdue");
      },
      onEnded(reauthentication) {
        log.info("reauthentication.ended", fieldsOfEnded(reauthentication));
        history.note(reauthentication.impi, "ended", wordsOfEnd(reauthentication));
        lastEnded = reauthentication;
        options.onEnded(reauthentication);
        connected().reauthentications.ended(reauthentication);
      },
      onGone(binding, cause) {
        const missed = lastEnded?.bindingId === binding.token ? lastEnded : undefined;
        lastEnded = undefined;
        const why = whyRemoved(cause, missed, options.dutySeconds);
        log.info("registration.removed", { ...fieldsOf(binding), cause: cause.kind, why });
        history.note(binding.impi, "removed", why);
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
function toBindings(registrations: Registrations, clock: Clock): NotifierListener {
  return {
    onSubscribed: (token) => registrations.input(token, { kind: "subscribed", at: clock.now() }),
    onUnsubscribed: (token) =>
      registrations.input(token, { kind: "unsubscribed", at: clock.now() }),
    onNotified: (token, at) => registrations.input(token, { kind: "notified", at }),
    onAcknowledged: (token) =>
      registrations.input(token, { kind: "acknowledged", at: clock.now() }),
    onNotifyFailed: (token, why) => registrations.input(token, { kind: "notify-failed", why }),
    onNotifyOutcome: () => undefined,
  };
}

function fieldsOf({ impi, impu, callId, address }: Binding): Record<string, string> {
  return { impi, impu, callId, contact: address.contact };
}

/** The same, and what the user's history says of it. */
function noted(
  listener: NotifierListener,
  bindings: Bindings,
  history: UserHistory,
): NotifierListener {
  const note = (token: string, kind: EventKind, detail?: string): void => {
    const impi = bindings.get(token)?.impi;
    if (impi !== undefined) history.note(impi, kind, detail);
  };
  return {
    ...listener,
    onSubscribed(token, eventPackage) {
      note(token, "subscribed", `Event: ${eventPackage}`);
      listener.onSubscribed(token, eventPackage);
    },
    onUnsubscribed(token) {
      note(token, "unsubscribed");
      listener.onUnsubscribed(token);
    },
    onNotifyOutcome(token, outcome) {
      if (outcome.kind === "acknowledged") note(token, "notify-answered", String(outcome.status));
      else note(token, "notify-failed", describeFailure(outcome));
    },
  };
}

function fieldsOfEnded(ended: Ended): LogFields {
  const { id, impi, impu, contact, cause, end, requestedAt, endedAt } = ended;
  const milliseconds = Math.round(endedAt - requestedAt);
  const why = reasonOfEnd(ended);
  return { reauthentication: id, impi, impu, contact, cause, end, why, milliseconds };
}

function wordsOfEnd(ended: Ended): string {
  const { end, requestedAt, endedAt } = ended;
  const after = `after ${Math.round(endedAt - requestedAt)} ms`;
  return end === "reauthenticated"
    ? `authenticated again ${after}`
    : `${end} ${after}: ${reasonOfEnd(ended)}`;
}
