// A file of subscribers on its way to the S-CSCF, which takes all of it or nothing.

import { readFileSync, statSync } from "node:fs";
import type { ImportAnswer, ImportFormat } from "@ims-lab/common/admin-api/views";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { print, progressing, type Session } from "./command.ts";
import { UsageError } from "./option-values.ts";
import type { Progress } from "./progress.ts";
import { importText } from "./subscriber-views.ts";

export interface ImportChoice {
  readonly format?: ImportFormat;
  readonly replace: boolean;
  readonly dryRun: boolean;
}

/** As the node: longer is refused there. */
const LONGEST = 16 * 1024 * 1024;
const STDIN = 0;
/** Who waits no longer needs to be told. */
const SHOW_AFTER_SECONDS = 2;

/** @param file `-`: standard input */
export async function importFile(
  file: string,
  { format, replace, dryRun }: ImportChoice,
  session: Session,
): Promise<number> {
  const text = textOf(file);
  const query = { format, replace: String(replace), dryRun: String(dryRun) };
  const answer = await progressing(session, (progress) =>
    timed(progress, `importing ${file}`, () =>
      session.scscf.post<ImportAnswer>("/subscribers/import", query, text),
    ),
  );
  return print(answer, importText(answer), session);
}

function textOf(file: string): string {
  try {
    if (file !== "-" && statSync(file).size > LONGEST)
      throw new Error(`longer than ${LONGEST} octets: import it in parts`);
    return readFileSync(file === "-" ? STDIN : file, "utf8");
  } catch (problem) {
    throw new UsageError(`${file}: ${reasonOf(problem)}`);
  }
}

/** Says once a second for how long it has been going on. */
async function timed<T>(
  { clock, show }: Progress,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const since = clock.now();
  const say = (): void => {
    const seconds = Math.round((clock.now() - since) / 1000);
    show(`${what}, ${seconds} s`);
    timer = clock.after(1000, say);
  };
  let timer = clock.after(SHOW_AFTER_SECONDS * 1000, say);
  try {
    return await work();
  } finally {
    timer.cancel();
  }
}
