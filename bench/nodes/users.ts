// The users of every measurement: `load1@ims.test` … with one password.

export const DOMAIN = "ims.test";
export const PASSWORD = "secret";

export function subscribersFile(users: number): string {
  return `subscribers:
  - template:
      from: 1
      to: ${users}
      impi: "load{n}@${DOMAIN}"
      impus: ["sip:load{n}@${DOMAIN}"]
      auth: { scheme: digest, password: "${PASSWORD}" }
      subscription: optional
`;
}
