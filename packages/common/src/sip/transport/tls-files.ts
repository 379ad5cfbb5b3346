// Key, certificate and authorities of one side of a node, checked when it starts.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";

/** Texts in PEM; without `key` and `cert` a side can only connect to others. */
export interface TlsFiles {
  readonly key?: string;
  readonly cert?: string;
  readonly ca?: string;
}

export interface TlsCredentials {
  /** For listeners, which make a context of their own. */
  readonly files: TlsFiles;
  /** For connections to others. */
  readonly context: SecureContext;
}

export type TlsChecked =
  | {
      readonly kind: "ready";
      readonly credentials: TlsCredentials;
      /** Milliseconds since the epoch. */
      readonly validUntil: number | undefined;
    }
  | {
      readonly kind: "refused";
      readonly file: keyof TlsFiles;
      /** What would be right, to follow "expected ". */
      readonly allowed: string;
    };

export function checkTlsFiles(files: TlsFiles): TlsChecked {
  const { key, cert, ca } = files;
  const certificate = cert === undefined ? undefined : parsed(() => new X509Certificate(cert));
  if (cert !== undefined && certificate === undefined)
    return { kind: "refused", file: "cert", allowed: "a certificate in PEM" };
  const privateKey = key === undefined ? undefined : parsed(() => createPrivateKey(key));
  if (key !== undefined && privateKey === undefined)
    return { kind: "refused", file: "key", allowed: "a private key in PEM, without passphrase" };
  if (privateKey !== undefined && certificate?.checkPrivateKey(privateKey) === false)
    return { kind: "refused", file: "key", allowed: "the private key of the certificate" };
  if (ca !== undefined && parsed(() => new X509Certificate(ca)) === undefined)
    return { kind: "refused", file: "ca", allowed: "certificates of authorities in PEM" };
  const context = createSecureContext({ ...files, minVersion: "TLSv1.2" });
  return {
    kind: "ready",
    credentials: { files, context },
    validUntil: certificate?.validToDate.getTime(),
  };
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
