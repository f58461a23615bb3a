import type { StepRow } from './execution-records.ts';

/** AMIs that a step has on record as its own: those it made, and those that it gave what a distribution says. */
export function amisOfStep({ status, action, outputs }: StepRow): readonly string[] {
  if (status !== 'COMPLETED') return [];
  switch (action) {
    case 'CreateImage':
    case 'RegisterImage':
      return textOf(outputs?.['imageId']);
    case 'DistributeImage': {
      const images = outputs?.['distributedImages'];
      if (!Array.isArray(images)) return [];
      return images.flatMap((image: { readonly amiId?: unknown }) => textOf(image.amiId));
    }
    default:
      return [];
  }
}

function textOf(value: unknown): readonly string[] {
  return typeof value === 'string' ? [value] : [];
}
