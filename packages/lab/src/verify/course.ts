// One run's course as data: the device before it, what passed meanwhile, and the questions that checks ask of it.
import type { ObservedMessage } from "@ims-lab/common/admin-api/observed-messages";
import { isSameContact } from "@ims-lab/common/ims/registered-contacts";
import { parseUri } from "@ims-lab/common/sip/message/uri";

/** The device as the S-CSCF knew it when a run began. */
export interface DeviceFacts {
  readonly impu: string;
  readonly impi: string;
  readonly scheme: "aka" | "digest";
  /** Undefined: the device was not registered. */
  readonly contact: string | undefined;
  readonly callId: string;
  /** Of the last REGISTER that was accepted. */
  readonly cseq: number;
  /** Event package of its own subscription. */
  readonly package: string | undefined;
}

export interface Course {
  readonly device: DeviceFacts;
  /** In order. */
  readonly messages: readonly ObservedMessage[];
  /** Milliseconds since the epoch, by the S-CSCF's clock as far as it was heard. */
  readonly endedAt: number;
  /** Why the run was not carried through. */
  readonly cutShort: string | undefined;
  /** A call was up when it began. */
  readonly hasCall: boolean;
}

/** A request and the final response to it. */
export interface Exchange {
  readonly request: ObservedMessage;
  readonly answer: ObservedMessage | undefined;
}

export function seconds(milliseconds: number): string {
  const whole = milliseconds / 1000;
  return `${whole < 10 ? Number(whole.toFixed(3)) : Math.round(whole)} s`;
}

/** Requests of one method, each once, with their answers. */
export function exchanges(
  { messages }: Pick<Course, "messages">,
  direction: ObservedMessage["direction"],
  method: string,
): readonly Exchange[] {
  return messages.flatMap((request, at) => {
    if (request.direction !== direction || request.method !== method) return [];
    if (request.status !== null || request.isRepeated) return [];
    const answer = messages.slice(at).find((one) => isFinalAnswer(one, request));
    return [{ request, answer }];
  });
}

function isFinalAnswer(one: ObservedMessage, { direction, callId, cseq, method }: ObservedMessage) {
  return (
    one.status !== null &&
    one.status >= 200 &&
    one.direction !== direction &&
    one.callId === callId &&
    one.cseq === cseq &&
    one.method === method
  );
}

/** The device's REGISTERs. */
export function registers(course: Pick<Course, "messages">): readonly Exchange[] {
  return exchanges(course, "from-device", "REGISTER");
}

/** NOTIFYs that say this of a contact of the device; of any contact where none is known. */
export function notifiesOf(course: Course, event: string): readonly Exchange[] {
  const { contact } = course.device;
  return exchanges(course, "to-device", "NOTIFY").filter(({ request }) =>
    request.contacts.some(
      (one) => one.event === event && (contact === undefined || isOneContact(one.uri, contact)),
    ),
  );
}

/** The first NOTIFY that asked for the re-authentication. */
export function triggerOf(course: Course): Exchange | undefined {
  return notifiesOf(course, "shortened")[0];
}

/** What the contact was shortened to, seconds. */
export function shortenedTo(
  course: Course,
  trigger: Exchange | undefined = triggerOf(course),
): number | undefined {
  const contacts = trigger?.request.contacts ?? [];
  return contacts.find(({ event }) => event === "shortened")?.expires ?? undefined;
}

/** REGISTERs later than a message, or than its answer. */
export function registersAfter(
  course: Course,
  { at }: Pick<ObservedMessage, "at">,
): readonly Exchange[] {
  return registers(course).filter(({ request }) => request.at >= at);
}

/** REGISTERs that a message can have caused: later, not the rest of what had begun before it, and no farewell. */
export function registersCausedBy(
  course: Course,
  { at }: Pick<ObservedMessage, "at">,
): readonly Exchange[] {
  const all = registers(course);
  const first = all.findIndex(
    (one, index) => one.request.at >= at && !continues(all[index - 1], one) && !leaves(one),
  );
  return first < 0 ? [] : all.slice(first);
}

/** Those that begin a procedure: what does not go on from a 401, a 423 or the like of the one before. */
export function attempts(all: readonly Exchange[]): readonly Exchange[] {
  return all.filter((one, at) => !continues(all[at - 1], one));
}

/** Whether a REGISTER answers a challenge of before the course: what it goes on from has not been seen. */
export function answersUnseen({ messages }: Course, request: ObservedMessage | undefined): boolean {
  if (request?.credentials !== "answer" && request?.credentials !== "auts") return false;
  return !messages.some(({ status, nonce }) => status === 401 && nonce === request.nonce);
}

const CONTINUED: ReadonlySet<number> = new Set([401, 423]);

function continues(before: Exchange | undefined, { request }: Exchange): boolean {
  return before?.request.callId === request.callId && CONTINUED.has(before.answer?.status ?? 0);
}

/** RFC 3261 §10.2.2 */
function leaves({ request }: Exchange): boolean {
  return request.expires === 0;
}

/** Whether two Contact URIs are one (RFC 3261 §19.1.4). */
export function isOneContact(a: string, b: string): boolean {
  const uri = parseUri(b);
  return uri === undefined ? a === b : isSameContact(a, b, uri);
}
