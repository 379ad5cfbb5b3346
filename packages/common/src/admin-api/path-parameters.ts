// Path parameters of the admin interfaces: identities and addresses, percent-encoded.

/** A JSON Schema of the one parameter that a path has. */
export interface PathParameters {
  readonly type: "object";
  readonly properties: Readonly<
    Record<string, { readonly type: "string"; readonly description: string }>
  >;
  readonly required: readonly string[];
}

export const impuParams: PathParameters = parameter("impu", "Public identity, percent-encoded.");
export const impiParams: PathParameters = parameter("impi", "Private identity.");
export const addressParams: PathParameters = parameter("address", "IP address, percent-encoded.");

function parameter(name: string, description: string): PathParameters {
  return {
    type: "object",
    properties: { [name]: { type: "string", description } },
    required: [name],
  };
}
