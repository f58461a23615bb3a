import { accountOf, isOfAnotherAccount } from '../iam/sharing.ts';
import { findResource, resolveResource } from '../state/find-resource.ts';
import type { ComponentSource } from '../toe/run-services.ts';
import type { Engine } from './engine.ts';

/**
 * The documents of the components of an image's account, for ExecuteDocument. An ARN with a version means its newest
 * build. Components of other accounts are used by recipes only, where it is checked that they are shared.
 */
export function componentSource({ db, accountId }: Pick<Engine, 'db' | 'accountId'>, imageArn = ''): ComponentSource {
  const account = accountOf(imageArn) ?? accountId;
  return async (arn) => {
    if (isOfAnotherAccount(arn, account)) throw new Error('it belongs to another account; name it in the recipe');
    const row = (await resolveResource(db, arn)) ?? (await findResource(db, arn));
    const text = row?.document['data'];
    if (row === undefined || typeof text !== 'string') throw new Error('this component does not exist');
    return { arn: row.arn, text };
  };
}
