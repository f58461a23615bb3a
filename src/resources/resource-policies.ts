/** Policies that share a resource with other accounts: Put*Policy and Get*Policy of the four kinds that have them. */
import type { Kysely } from 'kysely';
import { parseArn } from '../contract/arn.ts';
import { invalidParameter, notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { hasWildcard } from '../contract/version.ts';
import type { SharedKind } from '../iam/sharing.ts';
import type { Database } from '../state/tables.ts';
import type { Definition } from './definitions.ts';
import { dependencyError } from './refusals.ts';
import { RequestProblems } from './request-problems.ts';
import { checkResourcePolicy } from './resource-policy-document.ts';
import type { Service } from './service.ts';

interface Target {
  readonly kind: SharedKind;
  readonly arn: string;
  /** The member that carries the ARN. */
  readonly parameter: string;
}

export async function putComponentPolicy(
  service: Service,
  { componentArn: arn, policy }: InputOf<'PutComponentPolicy'>,
): Promise<OutputOf<'PutComponentPolicy'>> {
  await putPolicy(service, { kind: 'component', arn, parameter: 'componentArn' }, policy);
  return { componentArn: arn };
}

export async function getComponentPolicy(
  service: Service,
  { componentArn: arn }: InputOf<'GetComponentPolicy'>,
): Promise<OutputOf<'GetComponentPolicy'>> {
  return await getPolicy(service, { kind: 'component', arn, parameter: 'componentArn' });
}

export async function putImagePolicy(
  service: Service,
  { imageArn: arn, policy }: InputOf<'PutImagePolicy'>,
): Promise<OutputOf<'PutImagePolicy'>> {
  await putPolicy(service, { kind: 'image', arn, parameter: 'imageArn' }, policy);
  return { imageArn: arn };
}

export async function getImagePolicy(
  service: Service,
  { imageArn: arn }: InputOf<'GetImagePolicy'>,
): Promise<OutputOf<'GetImagePolicy'>> {
  return await getPolicy(service, { kind: 'image', arn, parameter: 'imageArn' });
}

export async function putImageRecipePolicy(
  service: Service,
  { imageRecipeArn: arn, policy }: InputOf<'PutImageRecipePolicy'>,
): Promise<OutputOf<'PutImageRecipePolicy'>> {
  await putPolicy(service, { kind: 'image-recipe', arn, parameter: 'imageRecipeArn' }, policy);
  return { imageRecipeArn: arn };
}

export async function getImageRecipePolicy(
  service: Service,
  { imageRecipeArn: arn }: InputOf<'GetImageRecipePolicy'>,
): Promise<OutputOf<'GetImageRecipePolicy'>> {
  return await getPolicy(service, { kind: 'image-recipe', arn, parameter: 'imageRecipeArn' });
}

export async function putContainerRecipePolicy(
  service: Service,
  { containerRecipeArn: arn, policy }: InputOf<'PutContainerRecipePolicy'>,
): Promise<OutputOf<'PutContainerRecipePolicy'>> {
  await putPolicy(service, { kind: 'container-recipe', arn, parameter: 'containerRecipeArn' }, policy);
  return { containerRecipeArn: arn };
}

export async function getContainerRecipePolicy(
  service: Service,
  { containerRecipeArn: arn }: InputOf<'GetContainerRecipePolicy'>,
): Promise<OutputOf<'GetContainerRecipePolicy'>> {
  return await getPolicy(service, { kind: 'container-recipe', arn, parameter: 'containerRecipeArn' });
}

/** What is known of a {@link Target} and of the policy that is put on it. */
interface PolicyRequest {
  readonly kind: SharedKind;
  readonly parameter: string;
  readonly arn: string | undefined;
  readonly policy: string | undefined;
}

/** Reports what is wrong with a request to put a policy. @returns the accounts to which it allows something */
export function checkPutPolicy(
  { kind, parameter, arn, policy }: PolicyRequest,
  problems: RequestProblems,
): readonly string[] {
  if (arn !== undefined) problems.attempt(() => refuseWildcards(arn, parameter));
  const accounts =
    policy === undefined ? undefined : problems.attempt(() => checkResourcePolicy(policy, { kind, arn }));
  return accounts ?? [];
}

/** Replaces the policy. One without statements shares with nobody, which is how sharing ends. */
async function putPolicy({ db }: Service, target: Target, policy: string): Promise<void> {
  const { kind, arn, parameter } = target;
  const problems = new RequestProblems();
  const changed = { policy, shared_with: [...checkPutPolicy({ ...target, policy }, problems)] };
  problems.throwIfAny();
  const { numUpdatedRows } =
    kind === 'image'
      ? await db.updateTable('images').set(changed).where('arn', '=', arn).executeTakeFirst()
      : await db
          .updateTable('resources')
          .set(changed)
          .where('arn', '=', arn)
          .where('kind', '=', kind)
          .executeTakeFirst();
  if (numUpdatedRows === 0n) throw notFound(parameter, arn);
}

/** As it was put; without the member when none was. */
async function getPolicy({ db }: Service, { kind, arn, parameter }: Target): Promise<{ policy?: string }> {
  refuseWildcards(arn, parameter);
  const row = await findPolicy(db, kind, arn);
  if (row === undefined) throw notFound(parameter, arn);
  return row.policy === null ? {} : { policy: row.policy };
}

function findPolicy(
  db: Kysely<Database>,
  kind: SharedKind,
  arn: string,
): Promise<{ policy: string | null } | undefined> {
  return kind === 'image'
    ? db.selectFrom('images').select('policy').where('arn', '=', arn).executeTakeFirst()
    : db.selectFrom('resources').select('policy').where('arn', '=', arn).where('kind', '=', kind).executeTakeFirst();
}

/** Throws InvalidParameterValueException for an ARN that does not name one version. */
export function refuseWildcards(arn: string, parameter: string): void {
  if (hasWildcard(parseArn(arn)?.version ?? '')) {
    throw invalidParameter(parameter, 'A policy needs the exact version, without wildcards.');
  }
}

/** What others may use must not go away under them. */
export function refuseIfShared({ arn, shared_with: accounts }: Pick<Definition, 'arn' | 'shared_with'>): void {
  if (accounts.length === 0) return;
  throw dependencyError(
    arn,
    `Its resource policy shares it with ${accounts.join(', ')}; put one without statements first.`,
  );
}
