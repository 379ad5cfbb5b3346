// Clauses of the specifications that a verdict names; of the conformance tests only numbers that were seen in the text.

/** Procedures of TS 34.229-1 whose numbers were seen. */
const SEEN = ["8.1", "11.1", "11.2", "C.46"] as const;
type Seen = (typeof SEEN)[number];

/** `TS 34.229-1 clause 11.2`. */
export function conformanceTest(clause: Seen): string {
  return `TS 34.229-1 clause ${clause}`;
}

/** A chapter whose procedure is known by its subject alone. */
export function conformanceChapter(chapter: 8 | 9 | 10 | 11): string {
  return `TS 34.229-1 clause ${chapter} (number unverified)`;
}
