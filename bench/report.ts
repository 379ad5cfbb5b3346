// Results as tables for people.
import type { CampaignResult } from "./campaign/campaign.ts";
import type { CodecResult } from "./codec/codec.ts";
import type { DeadlinesResult } from "./deadlines/deadlines.ts";
import type { MemoryResult } from "./memory/memory.ts";
import type { CycleResult } from "./nodes/cycle.ts";
import type { WayResult } from "./nodes/way.ts";
import type { WorkResult } from "./nodes/work.ts";
import { table } from "./output.ts";
import type { OverloadResult } from "./overload/overload.ts";
import type { RegistrationResult } from "./registrations/registrations.ts";
import type { RestartResult } from "./restart/restart.ts";
import type { SubscribersResult } from "./subscribers/subscribers.ts";

export interface Results {
  readonly codec?: CodecResult;
  readonly work?: WorkResult;
  readonly way?: WayResult;
  readonly cycle?: CycleResult;
  readonly deadlines?: DeadlinesResult;
  readonly campaign?: CampaignResult;
  readonly registrations?: RegistrationResult;
  readonly restart?: RestartResult;
  readonly overload?: OverloadResult;
  readonly memory?: MemoryResult;
  readonly subscribers?: readonly SubscribersResult[];
}

export function report(results: Results): string {
  const { codec, work, way, cycle, registrations, memory } = results;
  const { deadlines, restart, subscribers, campaign, overload } = results;
  const parts: string[] = [];
  if (codec !== undefined) parts.push(codecReport(codec));
  if (work !== undefined) parts.push(workReport(work));
  if (way !== undefined) parts.push(wayReport(way));
  if (cycle !== undefined) parts.push(cycleReport(cycle));
  if (registrations !== undefined) parts.push(registrationReport(registrations));
  if (memory !== undefined) parts.push(memoryReport(memory));
  if (deadlines !== undefined) parts.push(deadlinesReport(deadlines));
  if (restart !== undefined) parts.push(restartReport(restart));
  if (subscribers !== undefined) parts.push(subscribersReport(subscribers));
  if (campaign !== undefined) parts.push(campaignReport(campaign));
  if (overload !== undefined) parts.push(overloadReport(overload));
  return parts.join("\n");
}

function restartReport({ users, megabytes, scscf, pcscf }: RestartResult): string {
  return `Seconds until ready with ${users} users in SQLite files of ${megabytes.toFixed(0)} MB, and without any\n\n${table(
    ["", "with", "without"],
    [
      ["S-CSCF", scscf.full.toFixed(2), scscf.empty.toFixed(2)],
      ["P-CSCF", pcscf.full.toFixed(2), pcscf.empty.toFixed(2)],
    ],
  )}`;
}

function subscribersReport(results: readonly SubscribersResult[]): string {
  const whole = (value: number): string => Math.round(value).toString();
  const rows = results.map(({ users, readyMs, readyCpuMs, readMs, heap, imported }) => [
    ...[users, readyMs, readyCpuMs, readMs, heap / 1024].map(whole),
    ...(imported === undefined
      ? ["", "", "", ""]
      : [imported.users, imported.milliseconds, imported.longestPauseMs, imported.heap].map(whole)),
  ]);
  return `Templated subscribers, and an import\n\n${table(
    [
      "users",
      "ready ms",
      "CPU ms",
      "file ms",
      "heap KiB",
      "imported",
      "ms",
      "pause ms",
      "octets each",
    ],
    rows,
  )}`;
}

function overloadReport({ pinned, rows, peak, share }: OverloadResult): string {
  const whole = (value: number): string => Math.round(value).toString();
  const place = pinned ? "devices on a CPU of their own" : "all processes share the CPUs";
  const percent = `${whole(share * 100)} %`;
  return `Overload (${place}): peak ${whole(peak)}/s, at three times that ${percent} of it\n\n${table(
    ["offered/s", "registered/s", "refused", "repeats", "MB both nodes"],
    rows.map((row) => [row.rate, row.goodput, row.refused, row.repeats, row.megabytes].map(whole)),
  )}`;
}

function codecReport({ octets, core, coreDecode, npmSip, npmSipParse }: CodecResult): string {
  const share = (own: number, other: number): string => (own / other).toFixed(2);
  return `One REGISTER of ${octets} octets, µs (least of several runs)\n\n${table(
    ["", "ims-lab", "npm sip", "ratio"],
    [
      ["decode", coreDecode.toFixed(2), npmSipParse.toFixed(2), share(coreDecode, npmSipParse)],
      ["decode, touch, edit, encode", core.toFixed(2), npmSip.toFixed(2), share(core, npmSip)],
    ],
  )}`;
}

function wayReport({ files, functions, calls, folders }: WayResult): string {
  return `One registration over two hops: ${files} files, ${functions} functions, ${calls} calls\n\n${table(
    ["folder", "calls"],
    folders.map((each) => [each.folder, String(each.calls)]),
  )}`;
}

function cycleReport({ cycles, registration, reauthentication }: CycleResult): string {
  return `Re-authentication of subscribed users over two hops, µs, no sockets (least batch of ${cycles})\n\n${table(
    ["re-authentication", "registration", "ratio"],
    [
      [
        reauthentication.toFixed(0),
        registration.toFixed(0),
        (reauthentication / registration).toFixed(2),
      ],
    ],
  )}`;
}

function campaignReport(result: CampaignResult): string {
  const { users, pace, reached, most, retransmissions, ends, cpu, share, p50, p99 } = result;
  const whole = (value: number): string => String(Math.round(value));
  return `Campaign over ${users} subscribed users, both nodes and the devices in one process (${ends})\n\n${table(
    [
      "pace/s",
      "reached",
      "most in 1 s",
      "retrans.",
      "µs CPU each",
      "of one CPU",
      "p50 ms",
      "p99 ms",
    ],
    [
      [
        String(pace),
        reached.toFixed(1),
        String(most),
        String(retransmissions),
        whole(cpu),
        `${whole(share * 100)} %`,
        whole(p50),
        whole(p99),
      ],
    ],
  )}`;
}

function deadlinesReport({ bindings, p50, p99, max, cpu }: DeadlinesResult): string {
  return `${bindings} bindings that expire within one second: how late they are gone, ms\n\n${table(
    ["p50", "p99", "latest", "µs CPU each"],
    [[p50, p99, max, cpu].map((value) => value.toFixed(1))],
  )}`;
}

function workReport({ registrations, oneHop, twoHops, allocated }: WorkResult): string {
  return `Own code per registration, µs, no sockets (least batch of ${registrations} registrations)\n\n${table(
    ["S-CSCF", "P-CSCF and S-CSCF", "octets allocated"],
    [[oneHop.toFixed(0), twoHops.toFixed(0), allocated.toFixed(0)]],
  )}`;
}

function registrationReport({ stores, rows }: RegistrationResult): string {
  const number = (value: number | undefined, digits: number): string =>
    value === undefined ? "-" : value.toFixed(digits);
  return `Authenticated registrations over two hops, UDP, store: ${stores.join(", then ")}\n\n${table(
    [
      "server",
      "rate/s",
      "round",
      "µs CPU",
      "hop 1",
      "hop 2",
      "p50 ms",
      "p99 ms",
      "done",
      "failed",
      "retrans.",
      "nodes' retrans.",
    ],
    rows.map((row) => [
      row.server,
      String(row.rate),
      String(row.round),
      number(row.cpu, 0),
      ...row.hops.map((hop) => number(hop, 0)),
      number(row.p50, 2),
      number(row.p99, 2),
      String(row.completed),
      String(row.failed),
      String(row.retransmissions),
      number(row.nodeRepeats, 0),
    ]),
  )}`;
}

function memoryReport({ users, heap, external, rss }: MemoryResult): string {
  const cell = (octets: number): string => Math.round(octets).toString();
  return `S-CSCF memory per registered and subscribed user, octets, ${users} users\n\n${table(
    ["heap", "buffers", "rss"],
    [[cell(heap), cell(external), cell(rss)]],
  )}`;
}
