import { AwsError } from '../contract/errors.ts';
import type { OperationModel } from '../contract/model.types.ts';

export interface Route {
  readonly operation: OperationModel;
  /** The path's labels, percent-decoded once. */
  readonly labels: Readonly<Record<string, string>>;
}

export type Router = (method: string, path: string) => Route;

interface Entry {
  readonly operation: OperationModel;
  readonly expression: RegExp;
  readonly labelNames: readonly string[];
}

/** Finds the operation for a method and a still encoded path, or throws UnknownOperationException. */
export function createRouter(model: readonly OperationModel[]): Router {
  const entries = model.map(entryOf);
  // All paths but that of the tag operations are fixed.
  const labelled = entries.filter(({ labelNames }) => labelNames.length > 0);
  const fixed = Map.groupBy(entries, ({ operation }) => operation.path);
  return (method, path) => {
    const atPath = fixed.get(path) ?? labelled.filter(({ expression }) => expression.test(path));
    const entry = atPath.find(({ operation }) => operation.method === method);
    if (entry === undefined) throw unknown(method, path, atPath);
    const values = entry.expression.exec(path)?.slice(1) ?? [];
    return {
      operation: entry.operation,
      labels: Object.fromEntries(entry.labelNames.map((name, index) => [name, decodeLabel(values[index] ?? '')])),
    };
  };
}

function entryOf(operation: OperationModel): Entry {
  const labelNames = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  // Clients encode an ARN whole, slashes included, but a hand-written request may leave them as they are.
  const expression = new RegExp(`^${operation.path.replace(/\{\w+\}/g, '(.+)')}$`);
  return { operation, expression, labelNames };
}

function decodeLabel(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError('InvalidRequestException', 'The request path is not well-formed percent-encoding.');
  }
}

function unknown(method: string, path: string, atPath: readonly Entry[]): AwsError {
  const methods = atPath.map(({ operation }) => operation.method).join(', ');
  const hint = methods === '' ? '' : ` This path takes ${methods}.`;
  const told = `${method} ${path.slice(0, 100)}`;
  return new AwsError('UnknownOperationException', `There is no operation ${told}.${hint}`);
}
