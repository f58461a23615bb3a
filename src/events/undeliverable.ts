/** Trying again would change nothing: the receiver refuses it. Everything else that a sender throws is tried again. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable';
}
