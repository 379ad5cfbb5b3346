// Where the AuC's sequence numbers are kept, so that none repeats after a crash.
import type { Sqn } from "@ims-lab/common/ims/sqn";

/**
 * The highest SQN that may have been used, per IMPI. The one behind it makes each `put` durable
 * before the answer that follows from it leaves.
 */
export interface SqnMarks {
  get(impi: string): Sqn | undefined;
  put(impi: string, mark: Sqn): void;
}

export function memorySqnMarks(): SqnMarks {
  const marks = new Map<string, Sqn>();
  return {
    get: (impi) => marks.get(impi),
    put: (impi, mark) => {
      marks.set(impi, mark);
    },
  };
}
