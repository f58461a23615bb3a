/** How AWS services, or what speaks their API, are reached. */
export interface AwsSettings {
  readonly region: string;
  /** Undefined: the SDK reads the profile from the shared configuration files. */
  readonly credentials:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined;
  readonly profile: string | undefined;
  /** Undefined: AWS's own. */
  readonly endpoint: string | undefined;
}

/**
 * The settings that an environment has for a service, by the names that AWS's tools use; undefined without credentials.
 * A machine's own metadata service is never asked: whoever runs Kiln decides what component documents may reach.
 */
export function awsSettings(
  environment: Readonly<Record<string, string>>,
  service: 's3' | 'ssm' | 'cloudwatch_logs' | 'lambda' | 'sfn',
  defaultRegion: string,
): AwsSettings | undefined {
  const value = (name: string): string | undefined => environment[name] || undefined;
  const accessKeyId = value('AWS_ACCESS_KEY_ID');
  const secretAccessKey = value('AWS_SECRET_ACCESS_KEY');
  const sessionToken = value('AWS_SESSION_TOKEN');
  const profile = value('AWS_PROFILE');
  const keys = accessKeyId !== undefined && secretAccessKey !== undefined;
  if (!keys && profile === undefined) return undefined;
  return {
    region: value('AWS_REGION') ?? value('AWS_DEFAULT_REGION') ?? defaultRegion,
    credentials: keys
      ? { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
      : undefined,
    profile: keys ? undefined : profile,
    endpoint: value(`AWS_ENDPOINT_URL_${service.toUpperCase()}`) ?? value('AWS_ENDPOINT_URL'),
  };
}

/** The part of a client's configuration that all of them share. */
export function clientConfig({ region, credentials, profile, endpoint }: AwsSettings) {
  return {
    region,
    maxAttempts: 4,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 120_000 },
    ...(credentials === undefined ? {} : { credentials }),
    ...(profile === undefined ? {} : { profile }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}
