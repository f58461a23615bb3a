/** What a request may say of an AMI in text, and what both the check of the request and the build must know of it. */

/**
 * Names by which recipes call the root volume, those of the usual distributions' AMIs. A mapping of such a device
 * changes the root volume, every other one adds a volume.
 */
export const ROOT_DEVICE_NAMES: readonly string[] = ['/dev/xvda', '/dev/sda1', '/dev/sda', '/dev/vda'];

/**
 * A variable in the name or a tag of an AMI: its name and, after a colon, its format. Blanks inside the braces are
 * optional. Source: User Guide, "Create and update AMI distribution configurations".
 */
export const AMI_VARIABLE = /\{\{\s*imagebuilder:([A-Za-z]+)(?::([^{}]*?))?\s*\}\}/g;

/** The parts of a date that `{{ imagebuilder:buildDate:FORMAT }}` may have, as Java writes them; text goes in quotes. */
export const BUILD_DATE_PARTS = ['yyyy', 'yy', 'MM', 'dd', 'HH', 'mm', 'ss', 'SSS'] as const;

/** A quoted text, or a run of one letter that must be one of {@link BUILD_DATE_PARTS}. */
export const BUILD_DATE_PATTERN = /'([^']*)'|([A-Za-z])\2*/g;
