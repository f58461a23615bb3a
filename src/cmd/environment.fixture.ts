/** The environment of a `kiln` that a test starts: nothing of the caller's but PATH and what Node has compiled already. */
export function environmentOf(home: string): Readonly<Record<string, string>> {
  const compiled = process.env['NODE_COMPILE_CACHE'];
  return {
    PATH: process.env['PATH'] ?? '',
    KILN_HOME: home,
    // Without it every start takes a quarter of a second longer.
    ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }),
  };
}
