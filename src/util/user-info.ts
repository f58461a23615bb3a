/** Whether an address has a user name or a password in it: those would stand wherever the address is kept or told. */
export function hasUserInfo({ username, password }: Pick<URL, 'username' | 'password'>): boolean {
  return username !== '' || password !== '';
}
