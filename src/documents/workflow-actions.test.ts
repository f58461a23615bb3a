import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWorkflow } from './parse-workflow.ts';
import { WORKFLOW_ACTIONS, type WorkflowActionName, type WorkflowType } from './workflow-actions.ts';

const EVERYWHERE: readonly WorkflowType[] = ['BUILD', 'TEST', 'DISTRIBUTION'];

/**
 * Default and longest timeout in minutes, and the workflow types. Source: EC2 Image Builder User Guide, "Supported step
 * actions for your workflow document".
 */
const DOCUMENTED: Readonly<Record<WorkflowActionName, readonly [number, number, readonly WorkflowType[]]>> = {
  LaunchInstance: [75, 720, EVERYWHERE],
  ExecuteComponents: [720, 1440, ['BUILD', 'TEST']],
  CollectImageMetadata: [30, 720, EVERYWHERE],
  SanitizeInstance: [60, 720, EVERYWHERE],
  RunSysPrep: [60, 720, EVERYWHERE],
  RunCommand: [720, 720, EVERYWHERE],
  CreateImage: [720, 4320, EVERYWHERE],
  RegisterImage: [540, 720, EVERYWHERE],
  TerminateInstance: [30, 720, EVERYWHERE],
  WaitForSSMAgent: [60, 180, EVERYWHERE],
  WaitForAction: [4320, 10_080, EVERYWHERE],
  ExecuteStateMachine: [360, 1440, EVERYWHERE],
  DistributeImage: [360, 720, ['DISTRIBUTION']],
  ModifyImageAttributes: [120, 180, ['DISTRIBUTION']],
  ApplyImageConfigurations: [360, 720, ['DISTRIBUTION']],
};

/** What each needs to be given, beside the instance. */
const INPUTS: Partial<Record<WorkflowActionName, string>> = {
  LaunchInstance: 'waitFor: ssmAgent',
  RunCommand: 'instanceId: i-1, documentName: AWS-RunShellScript',
  RegisterImage: 'blockDeviceMapping: [{ DeviceName: /dev/xvda, Ebs: { SnapshotId: snap-1 } }]',
  WaitForAction: '',
  ExecuteStateMachine: 'stateMachineArn: arn:aws:states:us-east-1:123456789012:stateMachine:m',
  DistributeImage: 'distributions: [{ region: us-east-1 }]',
  ModifyImageAttributes:
    'distributedImages.$: $.stepOutputs.Copy.distributedImages, attributes: [{ region: us-east-1 }]',
  ApplyImageConfigurations:
    'distributedImages.$: $.stepOutputs.Copy.distributedImages, configurations: [{ region: us-east-1 }]',
};

function parsed(action: WorkflowActionName, type: WorkflowType, timeout = '') {
  const before = action === 'ModifyImageAttributes' || action === 'ApplyImageConfigurations';
  const copy = '  - { name: Copy, action: DistributeImage, inputs: { distributions: [{ region: us-east-1 }] } }\n';
  const step = `  - { name: It, action: ${action}, inputs: { ${INPUTS[action] ?? 'instanceId: i-1'} }${timeout} }\n`;
  const text = `schemaVersion: 1.0\nsteps:\n${before && type === 'DISTRIBUTION' ? copy : ''}${step}`;
  return parseWorkflow({ file: 'wf.yaml', text, type }).steps.at(-1);
}

for (const action of Object.keys(WORKFLOW_ACTIONS) as WorkflowActionName[]) {
  const [byDefault, most, types] = DOCUMENTED[action];
  test(`${action} has its default timeout, its longest one, and its workflow types`, () => {
    for (const type of EVERYWHERE.filter((one) => !types.includes(one))) {
      assert.throws(() => parsed(action, type), new RegExp(`${action} is not allowed in ${type}`));
    }
    for (const type of types) {
      assert.equal(parsed(action, type)?.timeoutSeconds, byDefault * 60);
      assert.equal(parsed(action, type, `, timeoutSeconds: ${most * 60}`)?.timeoutSeconds, most * 60);
      const longer = `, timeoutSeconds: ${most * 60 + 1}`;
      assert.throws(() => parsed(action, type, longer), new RegExp(`must be from 1 to ${most * 60}`));
      assert.throws(() => parsed(action, type, ', timeoutSeconds: 0'), /must be from 1 to/);
    }
  });
}
