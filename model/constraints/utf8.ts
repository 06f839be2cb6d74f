/** What must follow so that bytes typed one by one make whole characters (UTF-8, Unicode 15, table 3-7). */
export interface PartialCharacter {
  /** Range of the next byte, both ends included. */
  readonly low: number;
  readonly high: number;
  /** Bytes after that one. */
  readonly further: number;
}

/** Tokens that a character begun with one byte may still need. */
export const MAX_FURTHER_BYTES = 3;

const CONTINUATION = { low: 0x80, high: 0xbf };

/** After a first byte; undefined if none of a longer character. */
export function afterLeadByte(byte: number): PartialCharacter | undefined {
  if (byte >= 0xc2 && byte <= 0xdf) return { ...CONTINUATION, further: 0 };
  if (byte >= 0xe0 && byte <= 0xef) {
    const low = byte === 0xe0 ? 0xa0 : CONTINUATION.low;
    return { low, high: byte === 0xed ? 0x9f : CONTINUATION.high, further: 1 };
  }
  if (byte >= 0xf0 && byte <= 0xf4) {
    const low = byte === 0xf0 ? 0x90 : CONTINUATION.low;
    return { low, high: byte === 0xf4 ? 0x8f : CONTINUATION.high, further: 2 };
  }
  return undefined;
}

/** After a further byte; undefined once the character is whole. */
export function afterFurtherByte({ further }: PartialCharacter): PartialCharacter | undefined {
  return further === 0 ? undefined : { ...CONTINUATION, further: further - 1 };
}
