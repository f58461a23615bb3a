/** What stands in logs and records where a secret was. */
export const MASK = '********';
/** A line of a secret of several lines is a secret of its own, unless it is too short to say anything. */
const SHORTEST_LINE = 4;

/**
 * The secret values that a run has met so far. Every text that leaves the run as a log line, a message or a record goes
 * through {@link mask}; what steps hand on to each other does not.
 */
export class Secrets {
  readonly #values = new Set<string>();
  #longest = 0;
  #sorted: readonly string[] = [];

  /** A secret of several lines is masked line by line too, for output comes in lines. */
  add(value: string): void {
    const lines = value.split(/\r?\n/).map((line) => line.trim());
    const parts = lines.length === 1 ? [value] : [value, ...lines.filter((line) => line.length >= SHORTEST_LINE)];
    for (const part of [...parts, ...parts.map(escaped)]) if (part.trim() !== '') this.#values.add(part);
    // The longest first: one secret may be the beginning of another.
    this.#sorted = [...this.#values].sort((a, b) => b.length - a.length);
    this.#longest = this.#sorted[0]?.length ?? 0;
  }

  /** Characters of the longest secret. */
  get longest(): number {
    return this.#longest;
  }

  mask(text: string): string {
    let masked = text;
    for (const value of this.#sorted) if (masked.includes(value)) masked = masked.replaceAll(value, MASK);
    return masked;
  }

  /** Whether there is a secret in a value, at any depth. */
  isIn(value: unknown): boolean {
    if (this.#sorted.length === 0) return false;
    if (typeof value === 'string') return this.#sorted.some((secret) => value.includes(secret));
    if (typeof value === 'object' && value !== null) return Object.values(value).some((item) => this.isIn(item));
    return value !== undefined && value !== null && this.#values.has(String(value));
  }

  /** The value with every string in it masked, at any depth. Keys are names from documents and stay. */
  maskAll<Value>(value: Value): Value {
    return this.#sorted.length === 0 ? value : (this.#maskAll(value) as Value);
  }

  #maskAll(value: unknown): unknown {
    if (typeof value === 'string') return this.mask(value);
    if (Array.isArray(value)) return value.map((item) => this.#maskAll(item));
    if (typeof value !== 'object' || value === null) return this.isIn(value) ? MASK : value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#maskAll(item)]));
  }
}

/** As the value stands within JSON. */
function escaped(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}
