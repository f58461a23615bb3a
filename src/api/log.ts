/** Where the API writes what an operator should know; a pino logger is one. */
export interface ApiLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
