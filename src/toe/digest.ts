/** Digest algorithms, as WebDownload has them, with what coreutils and openssl call them. */
export type DigestAlgorithm = 'MD5' | 'SHA1' | 'SHA256' | 'SHA512';

/** Shell function `digest ALGORITHM FILE`, which prints the digest in lower-case hex. */
export const DIGEST_FUNCTION = `
digest() {
  case $1 in MD5) name=md5 ;; SHA1) name=sha1 ;; SHA256) name=sha256 ;; SHA512) name=sha512 ;; *) return 2 ;; esac
  if command -v "\${name}sum" >/dev/null 2>&1; then "\${name}sum" < "$2" | cut -d ' ' -f 1
  else openssl dgst "-$name" -r < "$2" | cut -d ' ' -f 1
  fi
}
`;
