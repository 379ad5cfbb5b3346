// The message that is read, edited and written: a REGISTER of about 1.2 KB as a telephone sends it.

export const SAMPLE: Buffer = Buffer.from(
  [
    "REGISTER sip:ims.mnc001.mcc001.3gppnetwork.org SIP/2.0",
    "Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bK5c1f0a7be24d4f9a8e0c9d31b7426f55;rport",
    "Max-Forwards: 70",
    "From: <sip:001010000000001@ims.mnc001.mcc001.3gppnetwork.org>;tag=4fa3c10d9b",
    "To: <sip:001010000000001@ims.mnc001.mcc001.3gppnetwork.org>",
    "Call-ID: 8f14e45fceea167a5a36dedd4bea2543@192.0.2.17",
    "CSeq: 314159 REGISTER",
    'Contact: <sip:001010000000001@192.0.2.17:5060;transport=udp>;+sip.instance="<urn:gsma:imei:35622410-483840-0>";reg-id=1;expires=600000',
    "Expires: 600000",
    "Supported: path, gruu, outbound, 100rel",
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, NOTIFY, PRACK, UPDATE, REFER, INFO",
    "P-Access-Network-Info: 3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=0010100010000101",
    'Authorization: Digest username="001010000000001@ims.mnc001.mcc001.3gppnetwork.org", realm="ims.mnc001.mcc001.3gppnetwork.org", nonce="dGhpcyBpcyBhIG5vbmNlIG9mIDQ4IG9jdGV0cyBpbiBiYXNlNjQ=", uri="sip:ims.mnc001.mcc001.3gppnetwork.org", response="0123456789abcdef0123456789abcdef", algorithm=AKAv1-MD5, qop=auth, nc=00000001, cnonce="0a4f113b"',
    "User-Agent: a telephone with a name of usual length/1.0.17",
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n"),
);

/** What a first hop puts on top. */
export const OWN_VIA: { readonly host: string; readonly port: number; readonly branch: string } = {
  host: "198.51.100.2",
  port: 4060,
  branch: "z9hG4bK77ef4c2312983d2c5fba5b1ec3ab9d27",
};
export const OWN_PATH = "<sip:Qm9iIGlzIG5vdCBoZXJl@198.51.100.2:4060;lr>";
