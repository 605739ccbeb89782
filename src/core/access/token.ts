/** The beginning of every token, by which secret scanners recognise it. */
const PREFIX = 'swapctl_';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62^43 is just above 2^256. */
const SECRET_DIGITS = 43;
const CHECKSUM_DIGITS = 6;

/** The regular expression for secret scanners, also in docs/guide/server/tokens.md. */
export const TOKEN = /^swapctl_[0-9A-Za-z]{49}$/;

/** The token of 32 random bytes: prefix, the bytes as 43 digits to the base 62, and 6 digits of a checksum (CRC-32). */
export function tokenOf(random: Uint8Array): string {
  const secret = base62(bigEndian(random), SECRET_DIGITS);
  return `${PREFIX}${secret}${checksum(secret)}`;
}

/** True: the text can be a token. A wrong checksum means a typo or a truncated token; no secret is compared. */
export function isToken(text: string): boolean {
  if (!TOKEN.test(text)) return false;
  const secret = text.slice(PREFIX.length, PREFIX.length + SECRET_DIGITS);
  return text.endsWith(checksum(secret));
}

function checksum(secret: string): string {
  return base62(BigInt(crc32(secret)), CHECKSUM_DIGITS);
}

function base62(value: bigint, digits: number): string {
  let text = '';
  for (let rest = value, i = 0; i < digits; i++, rest /= 62n) text = `${DIGITS[Number(rest % 62n)]}${text}`;
  return text;
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n);
}

// IEEE 802.3; zlib.crc32 came with Node 22.2, and the core imports nothing of Node.
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
