// Subscribers to registration events, and their order.
import { expect, test } from "vitest";
import {
  type RegistrationEvent,
  RegistrationEvents,
  type RegistrationSubscriber,
} from "../../src/registration/events.ts";

const told = (impi: string): RegistrationEvent => ({ kind: "answered", impi, callId: "c" });

function lab(): { events: RegistrationEvents; heard: string[] } {
  const events = new RegistrationEvents();
  const heard: string[] = [];
  const subscriber = (name: string): RegistrationSubscriber => ({
    foresee: () => [{ table: "sqnMarks", id: name, value: 1 }],
    on: (event) => {
      if (event.kind !== "answered") return;
      heard.push(`${name} ${event.impi}`);
      if (name === "first" && event.impi === "a") events.publish(told("from within"));
    },
  });
  events.deliverTo({ first: subscriber("first"), off: undefined, last: subscriber("last") });
  return { events, heard };
}

test("in the declared order; what one publishes meanwhile comes when all have heard", () => {
  const { events, heard } = lab();
  events.publish(told("a"));
  events.publish(told("b"));
  expect(heard).toEqual([
    "first a",
    "last a",
    "first from within",
    "last from within",
    "first b",
    "last b",
  ]);
});

test("rows that belong to a change, of all", () => {
  const rows = lab().events.foresee({ events: [], left: 0 });
  expect(rows.map(({ id }) => id)).toEqual(["first", "last"]);
});

test("the order is declared once", () => {
  expect(() => lab().events.deliverTo({})).toThrow("declared before");
});
