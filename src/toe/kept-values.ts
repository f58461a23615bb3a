import type { InputValue, StepInputs } from '../documents/component.ts';
import { isList } from '../documents/component-expressions.ts';
import type { StepRecord } from './resolver.ts';

/** Characters that a run keeps of what its steps took and gave. */
const LIMIT = 8 * 1024 * 1024;
/** Texts of this length are always kept: without them no record would make sense. */
const ALWAYS = 1024;

/**
 * Bounds what a run keeps of inputs and outputs, for later steps and for its record: a loop over a step that prints a MiB
 * must not fill the memory. What is beyond is left out, and cannot be chained to.
 */
export class KeptValues {
  #left = LIMIT;
  #cut = false;

  /** The record as far as it can be kept. */
  keep(record: StepRecord): StepRecord {
    const incomplete = new Set(record.incomplete);
    const outputs: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(record.outputs)) {
      outputs[name] = typeof value === 'string' ? this.#text(value) : value;
      if (outputs[name] !== value) incomplete.add(name);
    }
    this.#cut = false;
    const inputs = record.inputs.map((entry) => this.#value(entry) as StepInputs);
    return { ...record, inputs, outputs, incomplete, ...(this.#cut ? { inputsGone: true } : {}) };
  }

  #value(value: InputValue): InputValue {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object') return value;
    if (isList(value)) return value.map((item) => this.#value(item));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#value(item)]));
  }

  #text(text: string): string {
    if (text.length <= ALWAYS) return text;
    if (text.length > this.#left) {
      this.#cut = true;
      return `[… ${text.length} characters left out …]`;
    }
    this.#left -= text.length;
    return text;
  }
}
