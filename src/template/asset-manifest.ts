import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InvalidDocumentError } from '../util/problem.ts';

const TEMPLATE = /\.template\.json$/;

/** The stack that a template of CDK is for: `Web` for `cdk.out/Web.template.json`; undefined for other templates. */
export function stackOfCdkTemplate(file: string): string | undefined {
  return TEMPLATE.test(file) ? basename(file).replace(TEMPLATE, '') : undefined;
}

/**
 * The files that CDK would copy to S3 before it deploys the template, by the URI that the template names them by: what
 * `Web.assets.json` beside `Web.template.json` says. Empty for templates that do not come from CDK.
 *
 * @throws InvalidDocumentError when the manifest is there and is none.
 */
export async function readAssetManifest(
  templateFile: string,
  pseudoParameters: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const stack = stackOfCdkTemplate(templateFile);
  if (stack === undefined) return new Map();
  const folder = dirname(templateFile);
  const file = join(folder, `${stack}.assets.json`);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
  const assets = new Map<string, string>();
  for (const { source, destinations } of fileAssets(text, file)) {
    for (const { bucketName, objectKey } of Object.values(destinations)) {
      const uri = `s3://${bucketName}/${objectKey}`;
      const settled = uri.replace(/\$\{(AWS::\w+)\}/g, (written, name: string) => pseudoParameters[name] ?? written);
      assets.set(settled, resolve(folder, source.path));
    }
  }
  return assets;
}

interface FileAsset {
  readonly source: { readonly path: string; readonly packaging?: string };
  readonly destinations: Readonly<Record<string, { readonly bucketName: string; readonly objectKey: string }>>;
}

/** Source: AWS CDK, cloud assembly schema, "AssetManifest". Only plain files: documents are never zipped. */
function fileAssets(text: string, file: string): readonly FileAsset[] {
  try {
    const { files } = JSON.parse(text) as { readonly files?: Readonly<Record<string, FileAsset>> };
    return Object.values(files ?? {}).filter(
      ({ source, destinations }) => typeof source.path === 'string' && source.packaging !== 'zip' && destinations,
    );
  } catch {
    const position = { line: 1, column: 1 };
    throw new InvalidDocumentError([{ file, position, message: 'This is not a manifest of the assets of a CDK app.' }]);
  }
}
