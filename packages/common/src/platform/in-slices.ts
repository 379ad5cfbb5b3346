// A walk over many items in slices, so that messages have their turn in between.
import type { Clock } from "./clock.ts";

const PER_SLICE = 1_000;
/** A timer that is due now may come before the sockets are read. */
const PAUSE_MS = 1;

/** @param items may change meanwhile @param visit false ends the walk */
export async function inSlices<T>(
  clock: Clock,
  items: Iterable<T>,
  visit: (item: T) => boolean,
): Promise<void> {
  let seen = 0;
  for (const item of items) {
    if (!visit(item)) return;
    seen += 1;
    if (seen % PER_SLICE === 0)
      await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
  }
}
