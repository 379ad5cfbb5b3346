// Signals of a node's process: those that end it, those that do nothing; faults that nobody caught.

import type { RootLogger } from "./logger.ts";
import type { NodeTools, ProcessPort, RunningNode } from "./node-process.ts";
import { asError } from "./thrown.ts";

export const EXIT = { done: 0, failed: 1, refused: 2 } as const;

/** After a signal, a node is gone within two seconds, whatever hangs. */
const LONGEST_STOP_MS = 1_900;

/** SIGHUP: the terminal is gone. "disconnect": so is the launcher that started it. */
const ENDING = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "disconnect"];

/** Node would open a debugger's port at SIGUSR1 and die of SIGUSR2. */
const WITHOUT_MEANING = ["SIGUSR1", "SIGUSR2"];

export function stopOnSignal(
  port: ProcessPort,
  { log, clock }: NodeTools,
): { started(node: RunningNode): boolean } {
  let running: RunningNode | undefined;
  let stopping = false;
  const exit = (code: number): void => {
    void log.flush().then(() => port.exit(code));
  };
  const onSignal = (signal: string) => (): void => {
    if (stopping) return;
    stopping = true;
    log.info("node.stopping", { signal });
    const force = clock.after(LONGEST_STOP_MS, () => {
      log.warn("node.stop-forced", { afterMs: LONGEST_STOP_MS });
      exit(EXIT.done);
    });
    const stopped = running?.stop() ?? Promise.resolve();
    stopped.then(
      () => {
        force.cancel();
        exit(EXIT.done);
      },
      (problem: unknown) => fail(port, log, "node.stop-failed", problem),
    );
  };
  for (const signal of ENDING) port.on(signal, onSignal(signal));
  if (port.connected === false) onSignal("disconnect")(); // the launcher went before anybody listened
  for (const signal of WITHOUT_MEANING) {
    port.on(signal, () => log.info("node.signal-ignored", { signal }));
  }
  for (const fault of ["unhandledRejection", "uncaughtException"]) {
    port.on(fault, (reason) => fail(port, log, "node.fault", reason));
  }
  return {
    started: (node) => {
      running = node;
      return !stopping;
    },
  };
}

/** Our own fault: a person sees it even when the log is off. */
export function fail(port: ProcessPort, log: RootLogger, event: string, problem: unknown): void {
  const error = asError(problem);
  log.error(event, { error });
  port.stderr.write(`${event}: ${error.stack ?? error.message}\n`);
  void log.flush().then(() => port.exit(EXIT.failed));
}
