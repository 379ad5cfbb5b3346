// docs/state-machines.md shows what the machines do: its tables are made here from the code.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Campaign, CampaignInput } from "../src/campaigns/campaign.ts";
import { beginCampaign, stepCampaign } from "../src/campaigns/campaign-machine.ts";
import type {
  Accepted,
  Binding,
  BindingContext,
  BindingInput,
} from "../src/registration/binding.ts";
import { bind, dueAt, step } from "../src/registration/binding-machine.ts";
import {
  type Due,
  type Reauthentication,
  type ReauthenticationContext,
  type ReauthenticationInput,
  request,
  stepReauthentication,
} from "../src/registration/reauthentication.ts";

const PAGE = readFileSync(new URL("../../../docs/state-machines.md", import.meta.url), "utf8");
const T0 = 1_000_000;
const reauthentication: ReauthenticationContext = {
  deadlineMs: 60_000,
  awaitMs: 240_000,
  onRefused: "wait",
};
const context: BindingContext = { subscriptionDeadlineMs: 32_000, reauthentication };

const WRONG = { kind: "failed", ownFlow: true, ownAttempt: true, why: "RES" } as const;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

describe("the re-authentication", () => {
  const asked = request({
    id: "r",
    requestId: "q",
    impi: "i",
    impu: "u",
    bindingId: "b",
    contact: "c",
    cause: "operator",
    requestedAt: T0,
    deadline: T0 + 32_000,
  });
  const at = T0 + 100;
  const inputs: readonly (readonly [string, ReauthenticationInput])[] = [
    ["NOTIFY leaves", { kind: "notified", at, expiresAt: T0 + 3_600_000 }],
    ["200 to NOTIFY", { kind: "acknowledged", at }],
    ["NOTIFY fails", { kind: "notify-failed", why: "481" }],
    ["401 (own flow)", { kind: "challenged", at, ownFlow: true }],
    ["401 (other flow)", { kind: "challenged", at, ownFlow: false }],
    ["wrong answer (own flow)", { ...WRONG, at }],
    ["wrong answer (own flow, another's attempt)", { ...WRONG, at, ownAttempt: false }],
    ["wrong answer (other flow)", { ...WRONG, at, ownFlow: false }],
    ["right answer", { kind: "authenticated", at }],
    ["de-registered", { kind: "withdrawn", at }],
    ["deadline", { kind: "due", at: T0 + 10_000_000 }],
  ];
  const follow = (state: Due, ...names: readonly string[]): Due => {
    let now = state;
    for (const name of names) {
      const input = inputs.find(([one]) => one === name)?.[1];
      const next: Reauthentication | undefined =
        input && stepReauthentication(reauthentication, now, input);
      if (next === undefined || next.progress === "ended") throw new Error(name);
      now = next;
    }
    return now;
  };
  const states: readonly (readonly [string, Due])[] = [
    ["requested", asked],
    ["notified", follow(asked, "NOTIFY leaves")],
    ["acknowledged", follow(asked, "NOTIFY leaves", "200 to NOTIFY")],
    ["challenged", follow(asked, "NOTIFY leaves", "401 (own flow)")],
    ["challenged, answered wrongly", follow(asked, "401 (own flow)", "wrong answer (own flow)")],
  ];
  const cell = (state: Due, input: ReauthenticationInput): string => {
    const next = stepReauthentication(reauthentication, state, input);
    if (next === state) return "–";
    if (next.progress === "ended") return `**${next.end}**`;
    const name = next.course.refusal === undefined ? next.progress : "challenged, answered wrongly";
    const moved = next.deadline === state.deadline ? "" : ", new deadline";
    return `${name}${moved}`;
  };
  test("its table", () => {
    const rows = inputs.map(([name, input]) => [
      name,
      ...states.map(([, state]) => cell(state, input)),
    ]);
    expect(PAGE).toContain(table(["input", ...states.map(([name]) => name)], rows));
  });
});

describe("the binding", () => {
  const accepted = (at: number, mode: Binding["mode"]): Accepted => ({
    at,
    authenticated: true,
    newId: "c",
    mode,
    address: { contact: "sip:a@192.0.2.1", params: "", path: ["<sip:t@p>"] },
    impu: "u",
    callId: "1",
    cseq: 1,
    expiresAt: at + 3_600_000,
  });
  const device = { impi: "i", set: "u", token: "t" };
  const fresh = (mode: Binding["mode"]): Binding => bind(context, device, accepted(T0, mode));
  const reached = (state: Binding, ...inputs: readonly BindingInput[]): Binding => {
    let now = state;
    for (const input of inputs) {
      const next = step(context, now, input).state;
      if (next === undefined) throw new Error(input.kind);
      now = next;
    }
    return now;
  };
  const at = T0 + 1000;
  const ask: BindingInput = { kind: "asked", at, id: "r", requestId: "q", cause: "operator" };
  const subscribe: BindingInput = { kind: "subscribed", at };
  const announce: BindingInput = { kind: "notified", at };
  const states: readonly (readonly [string, Binding])[] = [
    ["owed (enforce)", fresh("enforce")],
    ["owed (warn)", fresh("warn")],
    ["no duty (optional)", fresh("optional")],
    ["subscribed", reached(fresh("enforce"), subscribe)],
    ["owed, asked", reached(fresh("enforce"), ask)],
    ["subscribed, announced", reached(fresh("enforce"), subscribe, ask, announce)],
  ];
  const inputs: readonly (readonly [string, (state: Binding) => BindingInput])[] = [
    ["REGISTER, authenticated", ({ mode }) => ({ kind: "registered", ...accepted(at, mode) })],
    ["SUBSCRIBE", () => subscribe],
    ["subscription ends", () => ({ kind: "unsubscribed", at })],
    ["asked to re-authenticate", () => ask],
    ["trigger leaves", () => announce],
    ["401 to REGISTER", () => ({ kind: "challenged", at, ownFlow: true })],
    ["401 to Expires 0", () => ({ kind: "leave-challenged", at, ownFlow: true })],
    ["removed", () => ({ kind: "removed", at, cause: { kind: "deactivated" } })],
    ["next deadline", (state) => ({ kind: "due", at: dueAt(state) })],
  ];
  const nameOf = ({ duty, mode, reauthentication: due, leavingBy }: Binding): string => {
    const duties = {
      owed: `owed (${mode})`,
      overdue: "overdue",
      fulfilled: "subscribed",
      none: "no duty (optional)",
    };
    const steps = due === undefined ? [] : [due.progress];
    const leaving = leavingBy === undefined ? [] : ["leaving"];
    return [duties[duty.state], ...steps, ...leaving].join(", ");
  };
  const cell = (state: Binding, input: BindingInput): string => {
    const { state: next, effects } = step(context, state, input);
    const shown = effects.map((effect) => {
      if (effect.kind === "gone") return `gone (${effect.cause.kind})`;
      return effect.kind === "ended" ? `**${effect.reauthentication.end}**` : effect.kind;
    });
    if (next === state) return "–";
    const name = next === undefined ? [] : [nameOf(next)];
    return [...name, ...shown].join("; ");
  };
  test("its table", () => {
    const rows = inputs.map(([name, input]) => [
      name,
      ...states.map(([, state]) => cell(state, input(state))),
    ]);
    expect(PAGE).toContain(table(["input", ...states.map(([name]) => name)], rows));
  });
});

describe("the campaign", () => {
  const order = { filter: {}, percent: 100, pacePerSecond: 1, jitter: 0, seed: "s" };
  const chosen = { matched: 2, total: 2, threshold: 1 };
  const at = T0 + 1000;
  const asked: CampaignInput = { kind: "asked", joined: false };
  const inputs: readonly (readonly [string, CampaignInput])[] = [
    ["one is asked", asked],
    ["one had gone", { kind: "skipped", count: 1, at }],
    ["one has an end", { kind: "ended", end: "ignored", milliseconds: 1, at }],
    ["pause", { kind: "paused" }],
    ["resume", { kind: "resumed" }],
    ["stop", { kind: "stopped", at }],
    ["restart, none left or open", { kind: "recounted", left: 0, open: 0, at }],
    ["restart, one left", { kind: "recounted", left: 1, open: 0, at }],
  ];
  const reached = (...steps: readonly CampaignInput[]): Campaign =>
    steps.reduce(
      (now, input) => stepCampaign(now, input).state,
      beginCampaign(order, chosen, { id: "k", at: T0 }).state,
    );
  const end: CampaignInput = { kind: "ended", end: "reauthenticated", milliseconds: 1, at };
  const states: readonly (readonly [string, Campaign])[] = [
    ["running, one left, one open", reached(asked)],
    ["running, one open", reached(asked, end, asked)],
    ["paused, one left, one open", reached(asked, { kind: "paused" })],
    ["stopped, one open", reached(asked, { kind: "stopped", at })],
    ["finished", reached(asked, end, asked, end)],
  ];
  const cell = (state: Campaign, input: CampaignInput): string => {
    const { state: next, effects } = stepCampaign(state, input);
    const words = effects.map((effect) =>
      effect.kind === "tell" ? `tell ${effect.change}` : effect.kind,
    );
    const isOver = next.status === "finished" || next.status === "stopped";
    if (next === state) return "–";
    const name = isOver && next.status !== state.status ? `**${next.status}**` : next.status;
    return [name, ...words].join("; ");
  };
  test("its table", () => {
    const rows = inputs.map(([name, input]) => [
      name,
      ...states.map(([, state]) => cell(state, input)),
    ]);
    expect(PAGE).toContain(table(["input", ...states.map(([name]) => name)], rows));
  });
});
