// The runtime of functions for Node: the client side of the Lambda Runtime API. Copied beside the code of the function.
import { pathToFileURL } from 'node:url';

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT, _HANDLER } = process.env;
const base = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;

const post = (path, body) => fetch(`${base}/${path}`, { method: 'POST', body: JSON.stringify(body) });
const errorBody = (error) => ({
  errorType: error?.name ?? 'Error',
  errorMessage: error?.message ?? String(error),
  stackTrace: String(error?.stack ?? '').split('\n'),
});

const loadHandler = async () => {
  const dot = _HANDLER.lastIndexOf('.');
  const [file, name] = [_HANDLER.slice(0, dot), _HANDLER.slice(dot + 1)];
  for (const ending of ['mjs', 'js', 'cjs']) {
    const url = pathToFileURL(`${LAMBDA_TASK_ROOT}/${file}.${ending}`).href;
    const found = await import(url).catch((error) => {
      if (error?.code === 'ERR_MODULE_NOT_FOUND' && error.url === url) return undefined;
      throw error;
    });
    const handler = found?.[name] ?? found?.default?.[name];
    if (typeof handler === 'function') return handler;
    if (found !== undefined) throw new Error(`${file}.${ending} has no function ${name}`);
  }
  throw new Error(`There is no file ${file}.mjs, .js or .cjs`);
};

const invoke = (handler, event, context) =>
  new Promise((resolve, reject) => {
    const callback = (error, result) => (error ? reject(error) : resolve(result));
    const result = handler(event, context, callback);
    if (handler.length < 3 || typeof result?.then === 'function') Promise.resolve(result).then(resolve, reject);
  });

let handler;
try {
  handler = await loadHandler();
} catch (error) {
  await post('init/error', errorBody(error));
  process.exit(1);
}
const next = await fetch(`${base}/invocation/next`);
const awsRequestId = next.headers.get('lambda-runtime-aws-request-id');
const deadline = Number(next.headers.get('lambda-runtime-deadline-ms'));
const context = {
  awsRequestId,
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  invokedFunctionArn: next.headers.get('lambda-runtime-invoked-function-arn'),
  getRemainingTimeInMillis: () => deadline - Date.now(),
};
try {
  const result = await invoke(handler, await next.json(), context);
  await post(`invocation/${awsRequestId}/response`, result ?? null);
} catch (error) {
  await post(`invocation/${awsRequestId}/error`, errorBody(error));
}
process.exit(0);
