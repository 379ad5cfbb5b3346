// What a node says when it does not start, in the words of somebody who typed `npm start`.

/** @param set names of the variables that the launcher has set itself */
export function inLaunchersWords(complaint: string, set: ReadonlySet<string>): string {
  const line = complaint.replace(/\(from environment ([A-Z0-9_]+)\)/g, (all, name: string) =>
    set.has(name) ? "(from npm start)" : all,
  );
  if (/\bEADDRINUSE\b/.test(line))
    return `${line}\nAnother lab or program has that port: end it, or take others with npm start -- --port-offset 100`;
  if (/\bEADDRNOTAVAIL\b/.test(line) && line.includes("access.host"))
    return `${line}\n--host takes an address of this machine (ip addr shows them), 0.0.0.0 or ::`;
  return line;
}
