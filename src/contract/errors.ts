/**
 * The error shapes of the Image Builder API and their HTTP status. Source: EC2 Image Builder API Reference, "Errors" of
 * each action. A bad request is thrown as an {@link AwsError} wherever it is found and encoded once, in api/.
 */
const HTTP_STATUS = {
  AccessDeniedException: 403,
  CallRateLimitExceededException: 429,
  ClientException: 400,
  DryRunOperationException: 412,
  ForbiddenException: 403,
  IdempotentParameterMismatchException: 400,
  InvalidPaginationTokenException: 400,
  InvalidParameterCombinationException: 400,
  InvalidParameterException: 400,
  InvalidParameterValueException: 400,
  InvalidRequestException: 400,
  InvalidVersionNumberException: 400,
  ResourceAlreadyExistsException: 400,
  ResourceDependencyException: 400,
  ResourceInUseException: 400,
  ResourceNotFoundException: 404,
  ServiceException: 500,
  ServiceQuotaExceededException: 402,
  ServiceUnavailableException: 503,
  TooManyRequestsException: 429,
  // Errors common to all services, which no operation lists. Source: API Reference, "Common Errors", and what clients
  // act upon (SDKs correct their clock on InvalidSignatureException and RequestExpired).
  IncompleteSignatureException: 400,
  // STS, which answers as a service of its own.
  InvalidAction: 400,
  InvalidSignatureException: 403,
  MissingAction: 400,
  MissingAuthenticationTokenException: 403,
  RequestEntityTooLargeException: 413,
  RequestExpired: 400,
  UnknownOperationException: 404,
  UnrecognizedClientException: 403,
} as const;

export type AwsErrorName = keyof typeof HTTP_STATUS;

/** A request that is refused, with the AWS error that says so. */
export class AwsError extends Error {
  override readonly name: AwsErrorName;
  readonly httpStatus: number;
  /** When the same request may succeed; clients are told by `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;
  /** The paths of the members that it is about; none when it is about no member, or about many. */
  readonly members: readonly string[];

  constructor(name: AwsErrorName, message: string, details: AwsErrorDetails = {}) {
    super(message);
    this.name = name;
    this.httpStatus = HTTP_STATUS[name];
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.members = details.members ?? [];
  }
}

interface AwsErrorDetails {
  readonly retryAfterSeconds?: number;
  readonly members?: readonly string[];
}

/** Terraform and CloudFormation decide "gone" by this error, on Get and on Delete alike. */
export function notFound(what: string, identifier: string): AwsError {
  return new AwsError('ResourceNotFoundException', `The resource with ARN '${identifier}' does not exist (${what}).`);
}

/** One member of a request has a value that is not allowed. `path` is camelCase with indexes: `distributions[0].region`. */
export function invalidParameter(path: string, reason: string): AwsError {
  return memberError('InvalidParameterValueException', path, reason);
}

/** In AWS's words. @param others members that the problem is about as well */
export function memberError(
  name: AwsErrorName,
  path: string,
  reason: string,
  others: readonly string[] = [],
): AwsError {
  const message = `The value supplied for parameter '${path}' is not valid. ${reason}`;
  return new AwsError(name, message, { members: [path, ...others] });
}

/** Something AWS has and Kiln does not have yet. Refused by name, never accepted and ignored. */
export function notYet(what: string, members: readonly string[] = []): AwsError {
  return new AwsError('InvalidRequestException', `Kiln does not support ${what} yet.`, { members });
}
