/** How an account is named. */
export const ACCOUNT = { pattern: /^\d{12}$/, expected: 'an account id of 12 digits' } as const;
