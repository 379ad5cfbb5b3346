// The commands of `imslab`, in the order of its help.
import type { Command } from "./command.ts";
import { call } from "./commands/call.ts";
import { dereg } from "./commands/dereg.ts";
import { list } from "./commands/list.ts";
import { message } from "./commands/message.ts";
import { reauth } from "./commands/reauth.ts";
import { register } from "./commands/register.ts";
import { show } from "./commands/show.ts";
import { subscriber } from "./commands/subscriber.ts";
import { wait } from "./commands/wait.ts";
import { watch } from "./commands/watch.ts";
import { why } from "./commands/why.ts";

export const COMMANDS: readonly Command[] = [
  list,
  show,
  why,
  watch,
  reauth,
  dereg,
  register,
  subscriber,
  wait,
  call,
  message,
];
