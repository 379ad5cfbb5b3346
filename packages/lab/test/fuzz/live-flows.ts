// Acts of users and operators, drawn by chance all the time: registrations, re-authentications, calls, messages, ends.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import type { Faults } from "./faults.ts";
import { HTTP, PHONES } from "./live-nodes.ts";
import { pick } from "./mutate.ts";
import { ask, HOST } from "./processes.ts";

interface User {
  readonly impu: string;
  readonly http: number;
}

const USERS: readonly User[] = PHONES.flatMap(({ impus, http }) =>
  impus.map((impu) => ({ impu, http })),
);

interface Act {
  readonly method: "POST" | "DELETE";
  readonly url: string;
  readonly body?: object;
}

function phone(path: string, { impu, http }: User, more: object = {}): Act {
  const url = `http://${HOST}:${http}${path}`;
  return { method: "POST", url, body: { identity: impu, ...more } };
}

function core(port: number, { impu }: User): string {
  return `http://${HOST}:${port}/registrations/${encodeURIComponent(impu)}`;
}

type Choose = (user: User, random: Random) => Act;

const reauthenticate =
  (port: number): Choose =>
  (user) => ({ method: "POST", url: `${core(port, user)}/reauthenticate` });
const end =
  (cause: string): Choose =>
  (user) => ({ method: "DELETE", url: `${core(HTTP.scscf, user)}?cause=${cause}` });
const call: Choose = (user, random) => phone("/call", user, { to: pick(USERS, random).impu });

/** As often as they stand here. */
const CHOICES: readonly Choose[] = [
  ...Array<Choose>(8).fill((user) => phone("/register", user)),
  ...Array<Choose>(4).fill(reauthenticate(HTTP.scscf)),
  ...Array<Choose>(4).fill(reauthenticate(HTTP.pcscf)),
  ...Array<Choose>(6).fill(call),
  ...Array<Choose>(3).fill((user) => phone("/hangup", user)),
  ...Array<Choose>(2).fill((user) => phone("/answer", user)),
  (user, random) => phone("/hold", user, { on: random.fraction() < 0.6 }),
  (user, random) => phone("/hold", user, { on: random.fraction() < 0.6 }),
  ...Array<Choose>(5).fill((user, random) =>
    phone("/message", user, { to: pick(USERS, random).impu, text: `hello ${random.hex(4)}` }),
  ),
  (user) => phone("/deregister", user),
  end("expired"),
  end("deactivated"),
  end("rejected"),
  end("probation&retryAfterSeconds=1"),
];

/** One of these acts; it is not waited for. */
export function actOnce(random: Random, faults: Faults): void {
  const act = pick(CHOICES, random)(pick(USERS, random), random);
  void perform(act, faults);
}

async function perform({ method, url, body }: Act, faults: Faults): Promise<void> {
  const json = { "content-type": "application/json" };
  const sent = body === undefined ? {} : { headers: json, body: JSON.stringify(body) };
  try {
    const { status } = await ask(url, { method, ...sent });
    if (status >= 500) faults.found(`${method} ${url} answered ${status}`);
  } catch {
    // A MESSAGE may wait longer for its answer than we do.
  }
}

/** Calls `act` so often per second until `until`. */
export async function atPace(
  clock: Clock,
  { perSecond, until }: { readonly perSecond: number; readonly until: number },
  act: () => void,
): Promise<void> {
  const start = clock.now();
  for (let count = 0; clock.now() < until; count++) {
    act();
    const due = start + ((count + 1) * 1000) / perSecond;
    await new Promise<void>((resolve) => clock.at(Math.min(due, until), resolve));
  }
}
