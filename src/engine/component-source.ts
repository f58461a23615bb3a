import { findResource, resolveResource } from '../state/find-resource.ts';
import type { ComponentSource } from '../toe/run-services.ts';
import type { Engine } from './engine.ts';

/** The documents of this installation's components, for ExecuteDocument. An ARN with a version means its newest build. */
export function componentSource({ db }: Pick<Engine, 'db'>): ComponentSource {
  return async (arn) => {
    const row = (await resolveResource(db, arn)) ?? (await findResource(db, arn));
    const text = row?.document['data'];
    if (row === undefined || typeof text !== 'string') throw new Error('this component does not exist');
    return { arn: row.arn, text };
  };
}
