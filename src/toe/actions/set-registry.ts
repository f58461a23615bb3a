import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { registryPath, registryValue } from '../../documents/registry.ts';
import { StepFailedError } from '../step-failed.ts';
import { listAction } from './action.ts';
import { mustRunPowerShell } from './run-powershell.ts';

const KINDS = {
  BINARY: 'Binary',
  DWORD: 'DWord',
  QWORD: 'QWord',
  SZ: 'String',
  EXPAND_SZ: 'ExpandString',
  MULTI_SZ: 'MultiString',
} as const;

/** Numbers come as text: JSON's are not precise enough for 64 bits. */
export const SET_VALUE = `
$value = $in.value
switch ($in.kind) {
  'DWord' { $value = [BitConverter]::ToInt32([BitConverter]::GetBytes([uint32]$value), 0) }
  'QWord' { $value = [BitConverter]::ToInt64([BitConverter]::GetBytes([uint64]$value), 0) }
  'Binary' { $value = [byte[]]@($value) }
  'MultiString' { $value = [string[]]@($value) }
}
if (-not (Test-Path -LiteralPath $in.path)) { [void](New-Item -Path $in.path -Force) }
[void](New-ItemProperty -LiteralPath $in.path -Name $in.name -PropertyType $in.kind -Value $value -Force)
`;

export const setRegistry = listAction(ACTION_MODULES.SetRegistry, async (inputs, context) => {
  const path = registryPath(inputs.path);
  if (path === undefined) throw new StepFailedError(`'${inputs.path}' does not begin with a registry hive`);
  const type = inputs.type as keyof typeof KINDS;
  const value = registryValue(type, inputs.value);
  if (!value.ok) throw new StepFailedError(`the value ${value.message}`);
  await mustRunPowerShell(context, SET_VALUE, { path, name: inputs.name, kind: KINDS[type], value: value.value });
  return {};
});
