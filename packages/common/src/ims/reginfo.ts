// Registration information, application/reginfo+xml: one door to its parts. RFC 3680 §5.
export type {
  ContactEvent,
  Reginfo,
  ReginfoContact,
  ReginfoRegistration,
  ReginfoView,
} from "./reginfo-document.ts";
export { formatReginfo } from "./reginfo-format.ts";
export { parseReginfo } from "./reginfo-parse.ts";
export { ReginfoReader } from "./reginfo-reader.ts";
export { applyReginfo } from "./reginfo-view.ts";
