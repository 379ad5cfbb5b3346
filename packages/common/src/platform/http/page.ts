// Lists over HTTP: `{ items, total }` with `?limit=&offset=`.

export interface PageQuery {
  readonly limit: number;
  readonly offset: number;
}

/** A route's `schema.querystring` for a list; fastify fills in the defaults. */
export const pageQuerySchema: {
  readonly type: "object";
  readonly properties: object;
  readonly additionalProperties: false;
} = {
  type: "object",
  properties: {
    limit: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
    offset: { type: "integer", minimum: 0, default: 0 },
  },
  additionalProperties: false,
};

/** One page of what can be listed; `view` is called for the items shown only. */
export function page<T, V>(
  items: Iterable<T> & ({ readonly length: number } | { readonly size: number }),
  query: PageQuery,
  view: (item: T) => V,
): { items: V[]; total: number } {
  const shown: V[] = [];
  let at = 0;
  for (const item of items) {
    if (at >= query.offset + query.limit) break;
    if (at >= query.offset) shown.push(view(item));
    at += 1;
  }
  return { items: shown, total: "length" in items ? items.length : items.size };
}
