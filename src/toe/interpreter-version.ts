/** Raised when the interpreter comes to do something else with the same document: what was made before is not reused then. */
export const INTERPRETER_VERSION = '1';
