// Linux's socket calls for several datagrams at once, recvmmsg(2) and sendmmsg(2), through the optional package koffi.
import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";
import { formatHostPort, type HostPort } from "../transport.ts";

/** The number of a system error is read with `errno`, at once. */
export interface SystemCalls {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly setOption: (
    fd: number,
    level: number,
    name: number,
    value: Buffer,
    size: number,
  ) => number;
  readonly bind: (fd: number, address: Buffer, size: number) => number;
  readonly localAddress: (fd: number, address: Buffer, size: Buffer) => number;
  readonly receive: (
    fd: number,
    headers: Buffer,
    count: number,
    flags: number,
    wait: null,
  ) => number;
  readonly send: (fd: number, headers: Buffer, count: number, flags: number) => number;
  readonly close: (fd: number) => number;
  readonly errno: () => number;
  /** Of octets that stay where they are while `buffer` is referred to. */
  addressOf(buffer: Buffer): bigint;
  /** Calls while the descriptor can be read, outside the turns of the event loop; one watch a descriptor. */
  watch(fd: number, onReadable: () => void): { close(): void };
}

/** Undefined where they cannot be had: another system, a 32 bit machine, no koffi. */
export function systemCalls(): SystemCalls | undefined {
  found ??= { calls: load() };
  return found.calls;
}

let found: { readonly calls: SystemCalls | undefined } | undefined;

/** The layout of the kernel's structures is that of 64 bit machines, lowest octet first. */
const MACHINES: readonly string[] = ["x64", "arm64"];

function load(): SystemCalls | undefined {
  if (process.platform !== "linux" || !MACHINES.includes(process.arch)) return undefined;
  let koffi: typeof import("koffi");
  try {
    koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  } catch {
    return undefined; // an optional dependency
  }
  const libc = koffi.load(null);
  return {
    socket: libc.func("int socket(int, int, int)"),
    setOption: libc.func("int setsockopt(int, int, int, void *, uint32_t)"),
    bind: libc.func("int bind(int, void *, uint32_t)"),
    localAddress: libc.func("int getsockname(int, void *, void *)"),
    receive: libc.func("int recvmmsg(int, void *, uint32_t, int, void *)"),
    send: libc.func("int sendmmsg(int, void *, uint32_t, int)"),
    close: libc.func("int close(int)"),
    errno: () => koffi.errno(),
    addressOf: (buffer) => koffi.address(buffer),
    watch: (fd, onReadable) => koffi.node.poll(fd, { readable: true }, onReadable),
  };
}

/** As Node's own errors. */
export function systemError(number: number, syscall: string, at?: HostPort): NodeJS.ErrnoException {
  const code = getSystemErrorName(-number);
  const where = at === undefined ? "" : ` ${formatHostPort(at)}`;
  const more = at === undefined ? {} : { address: at.host, port: at.port };
  return Object.assign(new Error(`${syscall} ${code}${where}`), { code, syscall, ...more });
}
