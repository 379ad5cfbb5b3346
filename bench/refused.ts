// The bench cannot run, and says why; exit code 2.
export class Refused extends Error {}
