// The five figures of S3z010092 as lists of messages that must pass in order. Numbers are the figures'.
import { Authorization, EventHeader } from "@ims-lab/common/sip/message/fields";
import type { SipMessage } from "@ims-lab/common/sip/message/message";
import type { LadderMessage, Participant } from "./message-correlator.ts";

/** Which variant of the figures a run shows. */
export interface FigureOptions {
  readonly profile: "seed" | "ts24229";
  /** `registration`: the dashed messages of Figures 3 and 5 pass too. */
  readonly expires: "registration" | "unlimited";
}

export interface Step {
  /** The message's number in the figure. */
  readonly number: number;
  readonly from: Participant;
  readonly to: Participant;
  /** What a person reads when it is missing. */
  readonly name: string;
  readonly method: string;
  /** Undefined: a request. */
  readonly status: number | undefined;
  /** The step that must have been seen before; 0: none. */
  readonly after: number;
  matches(message: SipMessage): boolean;
}

export interface Figure {
  /** "1" to "5", or a name where the profile replaces a figure. */
  readonly label: string;
  readonly title: string;
  readonly steps: readonly Step[];
}

type Hop = readonly [from: Participant, to: Participant];
const UP: Hop = ["UE", "P-CSCF"];
const DOWN: Hop = ["P-CSCF", "UE"];
const TO_SERVING: Hop = ["P-CSCF", "S-CSCF"];
const TO_PROXY: Hop = ["S-CSCF", "P-CSCF"];

interface Pattern {
  readonly name: string;
  readonly method: string;
  readonly status: number | undefined;
  matches(message: SipMessage): boolean;
}

function request(method: string, name = method, also = (_: SipMessage): boolean => true): Pattern {
  return {
    name,
    method,
    status: undefined,
    matches: (m) => m.kind === "request" && m.method === method && also(m),
  };
}

function response(status: number, method: string): Pattern {
  return {
    name: `${status} to ${method}`,
    method,
    status,
    matches: (m) => m.kind === "response" && m.status === status && m.cseq.method === method,
  };
}

const hasAnswer = (m: SipMessage): boolean =>
  (m.get(Authorization)?.params.get("response") ?? "") !== "";
const isTrigger = (m: SipMessage): boolean => m.body.includes('event="shortened"');
const isOfReg = (m: SipMessage): boolean => m.get(EventHeader)?.value === "reg";

const TRIGGER = request("NOTIFY", "NOTIFY that asks to register again", isTrigger);
const ANSWER = request("REGISTER", "REGISTER with the answer", hasAnswer);

/** Steps in a row, numbered from `first`; each after the one before, the first after `after`. */
function inOrder(
  first: number,
  after: number,
  parts: readonly (readonly [Hop, Pattern])[],
): Step[] {
  return parts.map(([[from, to], pattern], index) => ({
    number: first + index,
    from,
    to,
    ...pattern,
    after: index === 0 ? after : first + index - 1,
  }));
}

/** REGISTER, 401, REGISTER, 200 over both hops: messages 1-8 of Figure 1. */
function registration(first: number, after = first - 1): Step[] {
  return inOrder(first, after, [
    [UP, request("REGISTER")],
    [TO_SERVING, request("REGISTER")],
    [TO_PROXY, response(401, "REGISTER")],
    [DOWN, response(401, "REGISTER")],
    [UP, ANSWER],
    [TO_SERVING, ANSWER],
    [TO_PROXY, response(200, "REGISTER")],
    [DOWN, response(200, "REGISTER")],
  ]);
}

function subscription(first: number): Step[] {
  return inOrder(first, first - 1, [
    [UP, request("SUBSCRIBE")],
    [TO_SERVING, request("SUBSCRIBE")],
    [TO_PROXY, response(200, "SUBSCRIBE")],
    [DOWN, response(200, "SUBSCRIBE")],
  ]);
}

function scscfSubscribes(first: number, after: number): Step[] {
  return inOrder(first, after, [
    [TO_PROXY, request("SUBSCRIBE")],
    [TO_SERVING, response(200, "SUBSCRIBE")],
  ]);
}

function trigger(first: number): Step[] {
  return inOrder(first, first - 1, [
    [TO_PROXY, TRIGGER],
    [DOWN, TRIGGER],
    [UP, response(200, "NOTIFY")],
    [TO_SERVING, response(200, "NOTIFY")],
  ]);
}

const FIGURE_1: Figure = {
  label: "1",
  title: "registration with authentication",
  steps: registration(1),
};

const FIGURE_2: Figure = {
  label: "2",
  title: "the UE subscribes at the S-CSCF",
  steps: [...registration(1), ...subscription(9)],
};

/** The S-CSCF subscribes as soon as it has answered the UE, so 13 may pass before 12 does. */
const FIGURE_4: Figure = {
  label: "4",
  title: "the S-CSCF subscribes at the P-CSCF",
  steps: [...FIGURE_2.steps, ...scscfSubscribes(13, 11)],
};

/** TS 24.229 §5.2.3: what took Figure 4's place in the standard. */
const PCSCF_SUBSCRIBES: Figure = {
  label: "4 of TS 24.229",
  title: "the P-CSCF subscribes to reg at the S-CSCF",
  steps: inOrder(1, 0, [
    [TO_SERVING, request("SUBSCRIBE", "SUBSCRIBE of the P-CSCF to reg", isOfReg)],
    [TO_PROXY, response(200, "SUBSCRIBE")],
  ]),
};

/**
 * The UE registers as soon as its own 200 to NOTIFY has left, so that REGISTER and the 200 on its
 * second hop may pass in either order.
 */
function triggered(first: number): Step[] {
  return [...trigger(first), ...registration(first + 4, first + 2)];
}

function figure3({ profile, expires }: FigureOptions): Figure {
  const dashed = profile === "seed" && expires === "registration" ? subscription(13) : [];
  return {
    label: "3",
    title: "re-registration asked for by the S-CSCF",
    steps: [...triggered(1), ...dashed],
  };
}

function figure5({ expires }: FigureOptions): Figure {
  const asks = inOrder(1, 0, [
    [TO_SERVING, TRIGGER],
    [TO_PROXY, response(200, "NOTIFY")],
  ]);
  // The two renewals (15-18 and 19-20) follow the 200 to REGISTER independently of each other.
  const dashed =
    expires === "registration" ? [...subscription(15), ...scscfSubscribes(19, 13)] : [];
  const steps = [...asks, ...triggered(3), ...dashed];
  return { label: "5", title: "re-registration asked for by the P-CSCF", steps };
}

/** The figures that pass by themselves after the start, then those of each trigger. */
export interface FigurePlan {
  readonly registration: readonly Figure[];
  readonly byServing: Figure;
  /** Undefined where the profile has no such procedure. */
  readonly byProxy: Figure | undefined;
}

export function figurePlan(options: FigureOptions): FigurePlan {
  const isSeed = options.profile === "seed";
  return {
    registration: [FIGURE_1, FIGURE_2, isSeed ? FIGURE_4 : PCSCF_SUBSCRIBES],
    byServing: figure3(options),
    byProxy: isSeed ? figure5(options) : undefined,
  };
}

/** Follows one figure: which of its messages have passed, each after the one it must follow. */
export class FigureProgress {
  readonly figure: Figure;
  readonly #passed = new Set<number>([0]);

  constructor(figure: Figure) {
    this.figure = figure;
    const first = figure.steps[0];
    if (first !== undefined) this.#passed.add(first.number - 1);
  }

  /** The number of the step this message is, undefined when it is none of those due. */
  take({ from, to, message }: LadderMessage): number | undefined {
    const step = this.figure.steps.find(
      (s) =>
        !this.#passed.has(s.number) &&
        this.#passed.has(s.after) &&
        s.from === from &&
        s.to === to &&
        s.matches(message),
    );
    if (step !== undefined) this.#passed.add(step.number);
    return step?.number;
  }

  get missing(): readonly Step[] {
    return this.figure.steps.filter((step) => !this.#passed.has(step.number));
  }
}
