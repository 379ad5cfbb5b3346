#!/usr/bin/env node
// `imslab`, as a shell starts it.
import { systemClock } from "@ims-lab/common/platform/clock";
import { imslab } from "./imslab.ts";

const { argv, env, stdout, stderr } = process;
process.exitCode = await imslab(argv.slice(2), {
  env,
  stdout,
  stderr,
  fetch,
  clock: systemClock(),
});
