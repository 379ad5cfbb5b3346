// Preloaded into every fuzzed node: a damaged address leads nowhere instead of to somebody else's machine.
import dgram from "node:dgram";
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

function failure(code: "ENETUNREACH" | "ENOTFOUND", host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code} ${host}`), { code });
}

type Send = (this: dgram.Socket, ...given: unknown[]) => void;
const send = dgram.Socket.prototype.send as Send;
const guardedSend: Send = function (...given) {
  const host = given.find((one, at) => at > 0 && typeof one === "string");
  const done = given.find((one) => typeof one === "function");
  if (typeof host !== "string" || LOOPBACK.test(host)) send.apply(this, given);
  else process.nextTick(() => done?.(failure("ENETUNREACH", host)));
};
Object.assign(dgram.Socket.prototype, { send: guardedSend });

type Connect = (this: net.Socket, ...given: unknown[]) => net.Socket;
const connect = net.Socket.prototype.connect as Connect;
const guardedConnect: Connect = function (...given) {
  // `net.connect` hands its own arguments on as one list.
  const [first] = Array.isArray(given[0]) ? given[0] : given;
  const { host } = first as { readonly host?: string };
  if (host === undefined || LOOPBACK.test(host)) return connect.apply(this, given);
  process.nextTick(() => this.destroy(failure("ENETUNREACH", host)));
  return this;
};
Object.assign(net.Socket.prototype, { connect: guardedConnect });

const nobody = (host: string): Promise<never> => Promise.reject(failure("ENOTFOUND", host));
const lookup = dns.promises.lookup;
dns.promises.lookup = ((host: string, ...rest: [dns.LookupAllOptions]) =>
  LOOPBACK.test(host) ? lookup(host, ...rest) : nobody(host)) as typeof lookup;
Object.assign(dns.promises.Resolver.prototype, {
  resolve4: nobody,
  resolve6: nobody,
  resolveSrv: nobody,
  resolveNaptr: nobody,
});
syncBuiltinESMExports();
