/** An error that a service answered, as whoever called it sees it. */
export class ServiceRefusal extends Error {
  /** AWS's word for whose fault it is. */
  readonly $fault: 'client' | 'server';

  /** @param code names the error as the service names it: `ResourceNotFoundException` */
  constructor(code: string, message: string, fault: 'client' | 'server') {
    super(message);
    this.name = code;
    this.$fault = fault;
  }
}
