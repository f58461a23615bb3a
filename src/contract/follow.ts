/**
 * The lines of `GET /kiln/v1/follow`, Kiln's own addition to the API: a build told from its beginning, in order of time,
 * one JSON object per line (application/x-ndjson). Empty lines say that the service is still there and are skipped by
 * readers. Times are ISO 8601 with milliseconds, `Z`.
 */
export type FollowLine = FollowImage | FollowStep | FollowLog | FollowEnd;

/** The image's status changed. */
export interface FollowImage {
  readonly kind: 'image';
  readonly at: string;
  readonly status: string;
  readonly reason?: string;
}

/** A workflow step changed. */
export interface FollowStep {
  readonly kind: 'step';
  readonly at: string;
  /** Name of the workflow: `build-image`, `test-image` or the user's. */
  readonly workflow: string;
  readonly stepExecutionId: string;
  readonly name: string;
  readonly action: string;
  readonly status: string;
  readonly message?: string;
  /** How long the step took; only once it ended. */
  readonly seconds?: number;
}

/** One line of output. */
export interface FollowLog {
  readonly kind: 'log';
  readonly at: string;
  /** The workflow step that was running, if any. */
  readonly step?: string;
  readonly source: 'stdout' | 'stderr' | 'console' | 'kiln';
  readonly message: string;
}

/** The last line: what the image's state was when everything had been sent. */
export interface FollowEnd {
  readonly kind: 'end';
  readonly status: string;
  readonly reason?: string;
}

export interface FollowOptions {
  /** Go on until the image is in a terminal state; otherwise end after what there is now. */
  readonly follow: boolean;
  /** Aborted when the reader goes away: the generator must end soon and release what it holds. */
  readonly signal: AbortSignal;
}

/**
 * Makes the lines. Throws an AwsError before the first line when the ARN is wrong (InvalidParameterValueException) or
 * unknown (ResourceNotFoundException); an error after that breaks the connection off.
 */
export type FollowImageBuild = (imageBuildVersionArn: string, options: FollowOptions) => AsyncIterable<FollowLine>;
