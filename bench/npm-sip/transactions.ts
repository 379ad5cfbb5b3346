// npm sip's client transactions under mocked timers: what they send, and when they give up.
import { mock } from "node:test";
import * as sip from "sip";

/** Exported by the package beside its public functions. */
interface TransactionParts {
  generateBranch(): string;
  makeTransactionLayer(
    options: object,
    transport: object,
  ): {
    createClientTransaction(
      connection: { protocol: string; send(message: object): void; release(): void },
      request: object,
      onResponse: (response: { status: number }) => void,
    ): { message(response: object, remote: object): void };
  };
}
const parts = sip as unknown as TransactionParts;

export interface Watched {
  /** Seconds after the first transmission. */
  readonly repeatedAfter: readonly number[];
  /** Seconds; undefined: not while it was watched. */
  readonly givenUpAfter: string | undefined;
}

const STEP_MS = 100;
/** One hour. */
export const WATCHED_MS = 3_600_000;

export const OPTIONS_REQUEST: {
  readonly method: string;
  readonly uri: string;
  readonly headers: readonly (readonly [string, string])[];
} = {
  method: "OPTIONS",
  uri: "sip:ims.example",
  headers: [
    ["Max-Forwards", "70"],
    ["From", "<sip:alice@ims.example>;tag=1928301774"],
    ["To", "<sip:ims.example>"],
    ["Call-ID", "a84b4c76e66710"],
    ["CSeq", "1 OPTIONS"],
  ],
};

/** Sends a request to nobody over UDP; `provisional` arrives right after its first transmission. */
export async function npmSipTransactions(provisional: number | undefined): Promise<Watched> {
  const sentAt: number[] = [];
  let now = 0;
  let givenUpAfter: string | undefined;
  const connection = {
    protocol: "UDP",
    send: () => {
      sentAt.push(now);
    },
    release: () => undefined,
  };
  const { method, uri, headers } = OPTIONS_REQUEST;
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const request = sip.parse(`${method} ${uri} SIP/2.0\r\n${lines}\r\n`);
  if (request === undefined) throw new Error("npm sip cannot read the request");
  request.headers.via = [{ params: {} }];

  mock.timers.enable({ apis: ["setTimeout"] });
  const transaction = parts
    .makeTransactionLayer({}, {})
    .createClientTransaction(connection, request, ({ status }) => {
      if (status === 408) givenUpAfter = String(now / 1000);
    });
  await new Promise((sent) => process.nextTick(sent));
  if (provisional !== undefined) transaction.message({ status: provisional, headers: {} }, {});
  while (now < WATCHED_MS) {
    now += STEP_MS;
    mock.timers.tick(STEP_MS);
  }
  mock.timers.reset();
  return { repeatedAfter: sentAt.slice(1).map((at) => at / 1000), givenUpAfter };
}

/** Digits that vary, by looking at many branches. */
export function npmSipBranchDigits(): number {
  return Math.max(
    ...Array.from({ length: 10_000 }, () => parts.generateBranch().length - "z9hG4bK".length),
  );
}
