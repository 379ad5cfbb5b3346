// A capture file that grows while a node runs: `tail`, tshark and Wireshark can follow it.
import { createWriteStream, type WriteStream } from "node:fs";
import { maskSessionKeys } from "../sip/auth/session-keys.ts";
import { PcapEncoder } from "./pcap.ts";
import type { TraceSink } from "./traced-message.ts";

/** What may wait for the disk; messages beyond it are left out of the file. */
const LARGEST_BACKLOG = 8 * 2 ** 20;

/** Overwrites `path`. `onError`: the file cannot be written (said once); nothing is traced then. */
export function pcapFile(path: string, onError: (error: Error) => void): TraceSink {
  const encoder = new PcapEncoder();
  const stream: WriteStream = createWriteStream(path);
  let usable = true;
  stream.once("error", (error) => {
    usable = false;
    onError(error);
  });
  stream.write(encoder.header());
  return {
    trace(message) {
      if (!usable || stream.writableLength > LARGEST_BACKLOG) return;
      stream.write(encoder.packets({ ...message, bytes: maskSessionKeys(message.bytes) }));
    },
    close() {
      if (!usable) return Promise.resolve();
      usable = false;
      return new Promise((resolve) => stream.end(() => resolve()));
    },
  };
}
