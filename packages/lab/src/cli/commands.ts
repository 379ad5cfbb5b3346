// The commands of `imslab`, in the order of its help.
import type { Command } from "./command.ts";
import { call } from "./commands/call.ts";
import { campaign } from "./commands/campaign.ts";
import { dereg } from "./commands/dereg.ts";
import { explain } from "./commands/explain.ts";
import { fault } from "./commands/fault.ts";
import { list } from "./commands/list.ts";
import { message } from "./commands/message.ts";
import { network } from "./commands/network.ts";
import { policy } from "./commands/policy.ts";
import { reauth } from "./commands/reauth.ts";
import { register } from "./commands/register.ts";
import { show } from "./commands/show.ts";
import { subscriber } from "./commands/subscriber.ts";
import { verify } from "./commands/verify.ts";
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
  policy,
  campaign,
  verify,
  explain,
  fault,
  network,
  register,
  subscriber,
  wait,
  call,
  message,
];
