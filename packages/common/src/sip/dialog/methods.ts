// Methods by what they do to dialogs. RFC 3261 §12.1, §12.2.1; RFC 6665 §4.3, §4.5.2; RFC 3515 §2.4.4; RFC 3311 §5.1.

const DIALOG_MAKING: ReadonlySet<string> = new Set(["INVITE", "SUBSCRIBE", "NOTIFY", "REFER"]);
const TARGET_REFRESHING: ReadonlySet<string> = new Set([...DIALOG_MAKING, "UPDATE"]);

/** Whether such a request makes, or may make, a dialog: proxies that stay on its way record their route (RFC 3261 §16.6 step 4). */
export function mayMakeDialog(method: string): boolean {
  return DIALOG_MAKING.has(method);
}

/** Whether such a request within a dialog renews the peer's target. */
export function refreshesTarget(method: string): boolean {
  return TARGET_REFRESHING.has(method);
}
