import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import type { InputsOf } from '../../documents/action-modules/module.ts';
import { asking, objectsOf, parseObjectUri } from '../object-uri.ts';
import { StepFailedError } from '../step-failed.ts';
import { type ActionContext, type ActionResult, mapAction } from './action.ts';
import { mustRunPowerShell, powerShellStream } from './run-powershell.ts';
import { download } from './web-download.ts';

type Inputs = InputsOf<typeof ACTION_MODULES.InstallMSI>;

/** Source: Windows Installer, "MsiExec.exe and InstallerSetup error messages". */
const SUCCESS = { install: [0, 1614, 1641, 3010], uninstall: [0, 1605, 1614, 1641, 3010] } as const;
const WANTS_REBOOT: readonly number[] = [1641, 3010];

export const SIGNATURE = `
$status = (Get-AuthenticodeSignature -LiteralPath $in.path).Status
if ($status -eq 'Valid') { exit 0 }
if ($status -eq 'NotSigned' -and $in.allowUnsigned) { exit 0 }
if ($status -ne 'NotSigned' -and $in.ignoreErrors) { exit 0 }
[Console]::Error.WriteLine("the signature of $($in.path) is not accepted: $status")
exit 1
`;

/** Prints msiexec's exit code as the last line. A product that is there already is installed anew. */
export const MSIEXEC = `
$line = $in.line
if ($in.log) { [void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($in.log)) }
if ($in.install) {
  $installer = New-Object -ComObject WindowsInstaller.Installer
  $database = $installer.OpenDatabase($in.path, 0)
  $view = $database.OpenView("SELECT Value FROM Property WHERE Property = 'ProductCode'")
  $view.Execute()
  $code = $view.Fetch().StringData(1)
  $view.Close()
  if ($installer.ProductState($code) -eq 5) { $line += ' REINSTALLMODE="ecmus" REINSTALL="ALL"' }
  [void][Runtime.InteropServices.Marshal]::ReleaseComObject($database)
}
$process = Start-Process -FilePath msiexec.exe -ArgumentList $line -Wait -PassThru
[Console]::Out.WriteLine($process.ExitCode)
`;

export const installMsi = mapAction(ACTION_MODULES.InstallMSI, (inputs, context) => msi('install', inputs, context));
export const uninstallMsi = mapAction(ACTION_MODULES.UninstallMSI, (inputs, context) =>
  msi('uninstall', inputs, context),
);

async function msi(verb: keyof typeof SUCCESS, inputs: Inputs, context: ActionContext): Promise<ActionResult> {
  const path = await localPackage(inputs, context);
  await mustRunPowerShell(context, SIGNATURE, {
    path,
    allowUnsigned: inputs.allowUnsignedInstaller,
    ignoreErrors: inputs.ignoreAuthenticodeSignatureErrors,
  });
  const log = inputs.logFile === undefined ? undefined : context.workspace.absolute(inputs.logFile);
  const line = msiexecLine(verb, path, log, inputs);
  const values = { path, line, install: verb === 'install', log: log ?? '' };
  const { stdout } = await mustRunPowerShell(context, MSIEXEC, values);
  const code = Number(stdout.trim().split('\n').at(-1));
  const allowed: readonly number[] = SUCCESS[verb];
  if (!allowed.includes(code)) throw new StepFailedError(`msiexec ended with exit code ${code}`);
  const outputs = { logFile: inputs.logFile ?? '', msiExitCode: code, stdout: '' };
  const wanted = WANTS_REBOOT.includes(code);
  if (inputs.reboot === 'Skip' && wanted) context.output.note(`msiexec asks for a reboot (${code}), which is skipped`);
  const reboot = inputs.reboot === 'Force' || (inputs.reboot === 'Allow' && wanted);
  return reboot ? { outputs, reboot: 'next' } : { outputs };
}

/** The package on the machine; from S3 it comes through this machine. */
async function localPackage({ path }: Inputs, context: ActionContext): Promise<string> {
  const { workspace, signal, services } = context;
  if (path.startsWith('s3://')) {
    const object = await asking(objectsOf(services).get(parseObjectUri(path, undefined), signal), signal);
    if (object === undefined) throw new StepFailedError(`there is no object ${path}`);
    const local = workspace.newScript('package.msi');
    await powerShellStream(context, local, `${local}.part`, object.size, object.body);
    return local;
  }
  if (!/^https?:/i.test(path)) return workspace.absolute(path);
  const local = workspace.newScript('package.msi');
  const inputs = { source: path, destination: local, overwrite: true, ignoreCertificateErrors: false };
  await download({ ...inputs, checksum: undefined, algorithm: undefined }, local, context);
  return local;
}

function msiexecLine(verb: 'install' | 'uninstall', path: string, logFile: string | undefined, inputs: Inputs): string {
  if (path.includes('"') || logFile?.includes('"')) throw new StepFailedError('a path cannot contain a quotation mark');
  const properties = Object.entries(inputs.properties ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    `${verb === 'install' ? '/i' : '/x'} "${path}" /qn /norestart`,
    ...(logFile === undefined ? [] : [`/L${inputs.logOptions} "${logFile}"`]),
    ...properties,
    'REBOOT="ReallySuppress"',
  ].join(' ');
}
