/**
 * `parked_until` of an image that a worker may take now. Not the time: between machines, and when a clock is put back, what
 * is now for one is still to come for another.
 */
export const AT_ONCE = new Date(0);
