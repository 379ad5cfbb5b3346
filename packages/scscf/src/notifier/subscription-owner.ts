// The owner of a subscription, remembered by itself from its first SUBSCRIBE on. TS 24.229 §5.4.2.1.1.

/** A device with or without a binding of its own, a P-CSCF, an application server. */
export type Watcher = "device" | "pcscf" | "server";

const DEVICE = "device:";
/** A user's device that neither Service-Route nor Contact ties to a binding. */
const USER = "user";

/** @param token of the device's own binding */
export function memoOf(who: Watcher, token: string | undefined): string {
  if (who !== "device") return who;
  return token === undefined ? USER : deviceMemo(token);
}

export function watcherIn(memo: string): Watcher {
  return memo === "pcscf" || memo === "server" ? memo : "device";
}

export function deviceMemo(token: string): string {
  return `${DEVICE}${token}`;
}

export function isDeviceMemo(memo: string): boolean {
  return memo.startsWith(DEVICE);
}

/** Token of the binding whose device subscribed. */
export function tokenIn(deviceMemoText: string): string {
  return deviceMemoText.slice(DEVICE.length);
}
