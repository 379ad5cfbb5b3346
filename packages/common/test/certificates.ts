// The certificates in test/certificates, as the transports take them; make.sh there remakes them.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TlsOptions } from "../src/sip/transport/tls.ts";
import { checkTlsFiles } from "../src/sip/transport/tls-files.ts";

export type Certificate = "node" | "scscf" | "domain" | "stranger" | "expired";

function certificatePath(file: string): string {
  return fileURLToPath(new URL(`./certificates/${file}`, import.meta.url));
}

function pem(file: string): string {
  return readFileSync(certificatePath(file), "utf8");
}

/** A side that shows `certificate` and believes the test authority. */
export function tlsOf(certificate: Certificate, options: Partial<TlsOptions> = {}): TlsOptions {
  const checked = checkTlsFiles({
    key: pem(`${certificate}.key`),
    cert: pem(`${certificate}.crt`),
    ca: pem("authority.crt"),
  });
  if (checked.kind === "refused") throw new Error(checked.allowed);
  return { ...checked.credentials, requestClientCertificate: false, ...options };
}
