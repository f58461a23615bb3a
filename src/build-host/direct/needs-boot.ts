/** The disk, the request or this host is of a kind that cannot be worked on without booting it. Nothing is broken. */
export class NeedsBoot extends Error {
  override readonly name = 'NeedsBoot';
}
