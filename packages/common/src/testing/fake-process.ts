// A process as a node's program sees it: what it printed, how it ended, and its signals as a test sends them.
import type { ProcessPort } from "../platform/lifecycle.ts";

export class FakeProcess implements ProcessPort {
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
  title = "node";
  output = "";
  errors = "";
  readonly exits: number[] = [];
  readonly listeners: Map<string, (reason: unknown) => void> = new Map();
  readonly stdout: ProcessPort["stdout"] = {
    writableLength: 0,
    on: (): void => undefined,
    write: (text: string): void => {
      this.output += text;
    },
  };
  readonly stderr: ProcessPort["stderr"] = {
    write: (text: string): void => {
      this.errors += text;
    },
  };

  constructor(env: Readonly<Record<string, string>>, ...options: string[]) {
    this.env = { ...env };
    this.argv = ["node", "main.ts", ...options];
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  on(event: string, listener: (reason: unknown) => void): void {
    this.listeners.set(event, listener);
  }

  signal(name: string): void {
    this.listeners.get(name)?.(name);
  }
}
