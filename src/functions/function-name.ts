/** What names a function, taken apart. */
export interface NamedFunction {
  readonly name: string;
  /** Undefined: the caller's own. */
  readonly region: string | undefined;
  readonly accountId: string | undefined;
}

const NAMED =
  /^(?:(?:arn:aws[a-z-]*:lambda:([a-z0-9-]+):)?(?:([0-9]{12}):)?function:)?([A-Za-z0-9_-]{1,64})(?::[A-Za-z0-9$_-]+)?$/;

/**
 * What is named by a name, a partial ARN (`123456789012:function:NAME`) or an ARN, with or without a version. Undefined when
 * it is none of them. Source: Lambda API Reference, Invoke.
 */
export function namedFunction(wanted: string): NamedFunction | undefined {
  const [, region, accountId, name] = NAMED.exec(wanted) ?? [];
  return name === undefined ? undefined : { name, region, accountId };
}

export function formatFunctionArn(
  name: string,
  { accountId, region }: { readonly accountId: string; readonly region: string },
): string {
  return `arn:aws:lambda:${region}:${accountId}:function:${name}`;
}
