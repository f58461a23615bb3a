/** The rules of `distributions`, the list that says where an AMI goes and what it is called there. */
import type { Distribution } from '@aws-sdk/client-imagebuilder';
import { AMI_VARIABLE, BUILD_DATE_PARTS, BUILD_DATE_PATTERN } from '../contract/ami-settings.ts';
import { invalidParameter, notYet } from '../contract/errors.ts';
import type { Partly } from '../contract/operations.ts';
import { invalidCombination } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';

export function checkDistributions(
  distributions: Partly<Distribution[]>,
  ownRegion: string,
  problems: RequestProblems,
): void {
  if (distributions.length === 0) {
    problems.add(invalidParameter('distributions', 'At least one distribution should be provided.'));
  }
  const regions = new Set<string>();
  for (const [index, distribution] of distributions.entries()) {
    if (problems.isFull) return;
    if (distribution === undefined) continue;
    const path = `distributions[${index}]`;
    const { region, ...outputs } = distribution;
    if (region !== undefined && regions.has(region)) {
      problems.add(invalidCombination(`${path}.region`, `The Region '${region}' is given twice.`));
    }
    if (region !== undefined) regions.add(region);
    if (Object.values(outputs).every((output) => output === undefined)) {
      problems.add(
        invalidParameter(
          path,
          'One or more outputs should be provided for each region in a distribution configuration.',
        ),
      );
    }
    if (region !== undefined && region !== ownRegion) {
      const what = `distribution to other Regions ('${path}.region' is '${region}', this is ${ownRegion})`;
      problems.add(notYet(what, [`${path}.region`]));
    }
    checkAmi(distribution.amiDistributionConfiguration, `${path}.amiDistributionConfiguration`, problems);
  }
}

function checkAmi(
  ami: Partly<Distribution>['amiDistributionConfiguration'],
  path: string,
  problems: RequestProblems,
): void {
  if (ami === undefined) return;
  const { name, amiTags = {} } = ami;
  if (name !== undefined) {
    const hasBuildDate = name.matchAll(AMI_VARIABLE).some(([, variable]) => variable === 'buildDate');
    if (!hasBuildDate) {
      problems.add(
        invalidParameter(
          `${path}.name`,
          "The EC2 AMI name must contain '{{ imagebuilder:buildDate }}' to ensure that the name will be unique.",
        ),
      );
    }
    checkVariables(name, `${path}.name`, problems);
  }
  for (const [key, value = ''] of Object.entries(amiTags)) checkVariables(value, `${path}.amiTags['${key}']`, problems);
}

function checkVariables(text: string, path: string, problems: RequestProblems): void {
  for (const [reference, variable, format] of text.matchAll(AMI_VARIABLE)) {
    if (!(variable === 'buildDate' || (variable === 'buildVersion' && format === undefined))) {
      problems.add(
        invalidParameter(
          path,
          `'${reference}' is not known here; there are '{{ imagebuilder:buildDate }}', ` +
            "'{{ imagebuilder:buildDate:FORMAT }}' and '{{ imagebuilder:buildVersion }}'.",
        ),
      );
    }
    for (const [pattern, quoted] of format?.matchAll(BUILD_DATE_PATTERN) ?? []) {
      if (quoted === undefined && !BUILD_DATE_PARTS.some((part) => part === pattern)) {
        problems.add(
          invalidParameter(
            path,
            `'${pattern}' in '${reference}' is not known; the parts of a date are ${BUILD_DATE_PARTS.join(', ')}.`,
          ),
        );
      }
    }
  }
}
