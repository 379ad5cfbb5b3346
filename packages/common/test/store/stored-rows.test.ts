// Stored rows: texts until somebody asks for a row; a text that is none is named.
import { jsonRow, noRows } from "@ims-lab/common/store/rows";
import { withTexts } from "@ims-lab/common/store/stored-rows";
import { expect, test } from "vitest";

interface Tables {
  readonly cards: { readonly sqn: number };
}

const read = (): ReturnType<typeof noRows<Tables>> =>
  noRows<Tables>({ cards: jsonRow() }, (row) => new Error(`another: ${row}`));

test("each is read as it was written, whichever way it is asked for", () => {
  const { cards } = read();
  cards.keep("a", '{"sqn":1}');
  cards.keep("b", '{"sqn":2}');
  cards.keep("a", '{"sqn":3}');
  const rows = [
    ["a", { sqn: 3 }],
    ["b", { sqn: 2 }],
  ] as const;
  const all: unknown[] = [];
  cards.forEach((row, id) => void all.push([id, row]));
  for (const each of [[...cards], [...cards.entries()], all]) expect(each).toEqual(rows);
  expect([...cards.keys()]).toEqual(["a", "b"]);
  expect([...cards.values()]).toEqual([{ sqn: 3 }, { sqn: 2 }]);
  expect([...withTexts(cards)][0]).toEqual(["a", { sqn: 3 }, '{"sqn":3}']);
  expect([...withTexts(new Map(cards))][1]).toEqual(["b", { sqn: 2 }, undefined]);
  expect([cards.size, cards.has("b"), cards.get("b"), cards.get("c")]).toEqual([
    2,
    true,
    { sqn: 2 },
    undefined,
  ]);
});

test("one that cannot be read keeps nobody from the others, and is named when it is asked for", () => {
  const { cards } = read();
  cards.keep("a\n", '{"sqn":');
  cards.keep("b", '{"sqn":2}');
  expect(cards.get("b")).toEqual({ sqn: 2 });
  const named = /^another: cards a\S* \(.*JSON/;
  for (const ask of [() => cards.get("a\n"), () => [...cards], () => [...cards.values()]])
    expect(ask).toThrow(named);
});
