// Findings of verify: everything that can be wrong with a device, by name and in words. docs/verify.md.

export const FINDINGS = {
  "no-subscribe": "does not subscribe after its registration",
  "notify-unanswered": "does not answer NOTIFYs: deaf, gone, or at another address",
  "notify-refused": "refuses the NOTIFYs of its own subscription",
  "notify-failed": "answers NOTIFYs with a server error, or its P-CSCF cannot reach it",
  "notify-late": "answers NOTIFYs too late",
  "no-register": "acknowledges the request to re-register and does nothing",
  "register-late": "re-registers later than the standard says",
  "obeyed-twice": "re-registers twice when it is asked once",
  "call-id-changed": "re-registers under another Call-ID, as after a restart",
  "cseq-not-next": "does not count CSeq up by one",
  "contact-changed": "re-registers with another Contact",
  "no-authorization": "does not name its private identity before it is challenged",
  "challenge-unanswered": "does not answer the challenge",
  "wrong-response": "answers the challenge wrongly",
  "autn-rejected": "takes a genuine challenge for forged",
  "auts-unasked": "takes good numbers for out of range",
  "bad-autn-answered": "answers a forged challenge: it does not check AUTN",
  "bad-autn-unanswered": "falls silent at a forged challenge instead of rejecting it",
  "not-recovered": "does not register again once the network is right",
  "old-sqn-answered": "takes numbers that are out of range for good",
  "old-sqn-unanswered": "does not ask for resynchronisation",
  "min-expires-ignored": "does not ask for more after 423",
  "retry-after-ignored": "asks again before Retry-After is over",
  "not-retried": "does not ask again after Retry-After",
  "not-back": "does not come back after it was told to",
  "came-back": "comes back although it was told to stay away",
  "call-lost": "loses a call to a challenge",
  "call-kept": "keeps a call beyond its registration",
} as const;

export type Finding = keyof typeof FINDINGS;
