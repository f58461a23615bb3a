/**
 * The name in what names a function: a name, a partial ARN (`123456789012:function:NAME`) or an ARN, with or without a
 * version. Undefined when it is none of them. Source: Lambda API Reference, Invoke.
 */
export function functionName(wanted: string): string | undefined {
  const match =
    /^(?:(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:)?(?:[0-9]{12}:)?function:)?([A-Za-z0-9_-]{1,64})(?::[A-Za-z0-9$_-]+)?$/.exec(
      wanted,
    );
  return match?.[1];
}

export function formatFunctionArn(
  name: string,
  { accountId, region }: { readonly accountId: string; readonly region: string },
): string {
  return `arn:aws:lambda:${region}:${accountId}:function:${name}`;
}
