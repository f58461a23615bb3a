import { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';

/** The resources of a minimal build, in the words of the API, for clients that drive Kiln from outside. */
export const HELLO_COMPONENT = `
schemaVersion: 1.0
name: hello
phases:
  - name: build
    steps:
      - name: Write
        action: CreateFile
        inputs:
          - path: /etc/hello
            content: written by a client
  - name: test
    steps:
      - name: Read
        action: ReadFile
        inputs:
          - path: /etc/hello
      - name: Compare
        action: Assert
        inputs:
          stringEquals: written by a client
          value: "{{ test.Read.outputs.content }}"
`;

export const PARENT_IMAGE = 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x';

/** A client of the service that these variables, as {@link readExports} gives them, lead to. Who makes it destroys it. */
export function clientOf(environment: Readonly<Record<string, string>>): ImagebuilderClient {
  return new ImagebuilderClient({
    endpoint: environment['AWS_ENDPOINT_URL_IMAGEBUILDER'] ?? '',
    region: environment['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  });
}

/** What `kiln env` prints, as variables. */
export function readExports(lines: readonly string[]): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const line of lines) {
    const match = /^export ([A-Z_]+)=(?:'([^']*)'|"([^"]*)"|(.*))$/.exec(line);
    if (match?.[1] !== undefined) variables[match[1]] = match[2] ?? match[3] ?? match[4] ?? '';
  }
  return variables;
}
