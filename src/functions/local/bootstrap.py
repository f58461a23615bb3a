# The runtime of functions for Python: the client side of the Lambda Runtime API. Copied beside the code of the function.
import importlib
import json
import os
import sys
import time
import traceback
import urllib.request

BASE = "http://%s/2018-06-01/runtime" % os.environ["AWS_LAMBDA_RUNTIME_API"]


def post(path, value):
    request = urllib.request.Request("%s/%s" % (BASE, path), data=json.dumps(value).encode(), method="POST")
    urllib.request.urlopen(request).read()


def error_body(error):
    trace = traceback.format_exc().splitlines()
    return {"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": trace}


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return self._deadline - int(time.time() * 1000)


try:
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    file, name = os.environ["_HANDLER"].rsplit(".", 1)
    handler = getattr(importlib.import_module(file.replace("/", ".")), name)
except Exception as error:
    post("init/error", error_body(error))
    sys.exit(1)
with urllib.request.urlopen("%s/invocation/next" % BASE) as answer:
    context = Context(answer.headers)
    event = json.loads(answer.read())
try:
    post("invocation/%s/response" % context.aws_request_id, handler(event, context))
except Exception as error:
    post("invocation/%s/error" % context.aws_request_id, error_body(error))
