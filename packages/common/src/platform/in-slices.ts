// A walk over many items in slices of time, so that messages have their turn in between.
import type { Clock } from "./clock.ts";

/** What a message may have to wait. */
const SLICE_MS = 4;
/** A timer that is due now may come before the sockets are read. */
const PAUSE_MS = 1;
/** Items between two looks at the clock. */
const LOOK_EVERY = 16;

/** @param items may change meanwhile @param visit false ends the walk */
export async function inSlices<T>(
  clock: Clock,
  items: Iterable<T>,
  visit: (item: T) => boolean,
): Promise<void> {
  let seen = 0;
  let until = clock.now() + SLICE_MS;
  for (const item of items) {
    if (!visit(item)) return;
    seen += 1;
    if (seen % LOOK_EVERY !== 0 || clock.now() < until) continue;
    await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
    until = clock.now() + SLICE_MS;
  }
}
