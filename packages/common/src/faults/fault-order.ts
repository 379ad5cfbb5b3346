// Requests to a node's faults, read from HTTP, a setting or a command line and checked against the catalogue. docs/faults.md.
import type {
  FaultCatalogue,
  FaultDefinition,
  FaultParameter,
  FaultRequest,
  FaultValues,
} from "../admin-api/faults.ts";
import { printable } from "../platform/printable.ts";

/** One fault to be switched on; every parameter has its value. */
export interface FaultOrder<Name extends string = string> {
  readonly name: Name;
  /** Undefined: everybody. */
  readonly impu: string | undefined;
  /** Undefined: until it is switched off. */
  readonly times: number | undefined;
  readonly values: FaultValues;
}

/** Why a fault is not switched, in one line for whoever asked. */
export interface FaultProblem {
  readonly problem: "no-such-fault" | "bad-request" | "no-such-user" | "unsuitable";
  readonly detail: string;
}

export function isFaultProblem(value: object): value is FaultProblem {
  return "problem" in value;
}

/** Longer than any time that a test takes. */
export const MOST_TIMES = 1_000_000;
const LONGEST_IMPU = 1024;

/** The faults that one name stands for: itself, or those that a preset combines. */
export function faultsNamed<Name extends string>(
  { node, faults, presets }: FaultCatalogue<Name>,
  name: string,
): readonly FaultDefinition<Name>[] | FaultProblem {
  const combined = presets.find((preset) => preset.name === name)?.combines;
  const found = faults.filter((fault) =>
    combined === undefined ? fault.name === name : combined.includes(fault.name),
  );
  if (found.length > 0) return found;
  const names = [...faults, ...presets].map((one) => one.name).join(", ");
  const detail = `the ${node} has no fault "${shown(name)}": there are ${names}`;
  return { problem: "no-such-fault", detail };
}

/** Several for a preset. */
export function faultOrders<Name extends string>(
  catalogue: FaultCatalogue<Name>,
  name: string,
  request: FaultRequest,
): readonly FaultOrder<Name>[] | FaultProblem {
  const named = faultsNamed(catalogue, name);
  if (isFaultProblem(named)) return named;
  const isPreset = named.length > 1 || named[0]?.name !== name;
  const wrong = wrongScope(request);
  if (wrong !== undefined) return bad(wrong);
  if (isPreset && Object.keys(request.parameters ?? {}).length > 0)
    return bad(`parameters: the preset ${name} takes none; switch its faults one by one`);
  const orders: FaultOrder<Name>[] = [];
  for (const fault of named) {
    const order = orderOf(fault, request);
    if (isFaultProblem(order)) return order;
    orders.push(order);
  }
  return orders;
}

function wrongScope({ impu, times }: FaultRequest): string | undefined {
  if (impu !== undefined && (impu === "" || impu.length > LONGEST_IMPU))
    return `impu: expected an identity of at most ${LONGEST_IMPU} characters`;
  if (times !== undefined && !isWhole(times, 1, MOST_TIMES))
    return `times: expected a whole number from 1 to ${MOST_TIMES}, not ${shown(times)}`;
  return undefined;
}

function orderOf<Name extends string>(
  fault: FaultDefinition<Name>,
  { impu, times, parameters = {} }: FaultRequest,
): FaultOrder<Name> | FaultProblem {
  if (fault.isDeed && times !== undefined && times !== 1)
    return bad(`times: ${fault.name} happens once`);
  const values = valuesOf(fault, parameters);
  if (isFaultProblem(values)) return values;
  return { name: fault.name, impu, times: fault.isDeed ? 1 : times, values };
}

function valuesOf(
  { name, parameters }: FaultDefinition,
  given: FaultValues,
): FaultValues | FaultProblem {
  const unknown = Object.keys(given).find(
    (key) => !parameters.some((parameter) => parameter.name === key),
  );
  if (unknown !== undefined) {
    const names = parameters.map((parameter) => parameter.name).join(", ") || "none";
    return bad(`parameters: ${name} has no "${shown(unknown)}", but ${names}`);
  }
  const values: Record<string, number | string> = {};
  for (const parameter of parameters) {
    const value = given[parameter.name] ?? parameter.default;
    if (!fits(parameter, value))
      return bad(`${parameter.name}: expected ${allowed(parameter)}, not ${shown(value)}`);
    values[parameter.name] = value;
  }
  return values;
}

function fits(parameter: FaultParameter, value: unknown): boolean {
  return parameter.kind === "integer"
    ? isWhole(value, parameter.min, parameter.max)
    : parameter.words.some((word) => word === value);
}

export function allowed(parameter: FaultParameter): string {
  return parameter.kind === "integer"
    ? `a whole number from ${parameter.min} to ${parameter.max}`
    : parameter.words.join(" or ");
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
}

/** A fault as a setting has it: `bad-autn;times=2;impu=sip:alice@ims.example`. */
export function parseFaultText<Name extends string>(
  catalogue: FaultCatalogue<Name>,
  text: string,
): readonly FaultOrder<Name>[] | FaultProblem {
  const [name = "", ...assignments] = text.split(";").map((part) => part.trim());
  const pairs: [string, string][] = [];
  for (const assignment of assignments) {
    const at = assignment.indexOf("=");
    if (at < 1) return bad(`"${shown(assignment)}": expected NAME=VALUE behind ${shown(name)}`);
    pairs.push([assignment.slice(0, at), assignment.slice(at + 1)]);
  }
  return faultOrders(catalogue, name, requestOf(pairs));
}

/** Of what is written as NAME=VALUE: whole numbers are numbers; `impu` and `times` are not the fault's own. */
export function requestOf(pairs: readonly (readonly [string, string])[]): FaultRequest {
  const { impu, times, ...parameters } = Object.fromEntries(
    pairs.map(([key, value]) => [key, /^\d{1,15}$/.test(value) ? Number(value) : value]),
  );
  return {
    ...(impu !== undefined && { impu: String(impu) }),
    ...(times !== undefined && { times: Number(times) }),
    parameters,
  };
}

function bad(detail: string): FaultProblem {
  return { problem: "bad-request", detail };
}

/** What somebody wrote, for a line of text. */
function shown(written: unknown): string {
  return printable(String(written).slice(0, 60));
}
