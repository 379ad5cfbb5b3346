// `npm start` and `npm run demo`: the whole lab in one terminal.
import { systemClock } from "@ims-lab/common/platform/clock";
import { runLab } from "./launcher/lab.ts";
import { LAUNCHER_HELP, parseOptions } from "./launcher/options.ts";

const { argv, env, stdout, stderr } = process;
const parsed = parseOptions(argv.slice(2), env);
switch (parsed.kind) {
  case "help":
    stdout.write(LAUNCHER_HELP);
    break;
  case "refused":
    stderr.write(`${parsed.reason}\nTry --help.\n`);
    process.exitCode = 2;
    break;
  case "options": {
    const interrupted = new Promise<void>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => resolve());
      stdout.on("error", () => resolve()); // the reader has gone: `npm start | head`
    });
    process.exit(
      await runLab(parsed.options, {
        terminal: stdout,
        clock: systemClock(),
        fetch,
        env,
        interrupted,
      }),
    );
  }
}
