import { ModelError } from './errors.js';

/** Kinds of pieces in a SentencePiece model (its numbers for them). */
export const PieceKind = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** One entry of a SentencePiece vocabulary; its index is its id. */
export interface Piece {
  /** As written in the model: `▁` for a space, `<0xE2>` for a byte, `<|ctx|>`, `</s>`. */
  readonly symbol: string;
  /** One of `PieceKind`. */
  readonly kind: number;
}

/** Reads varints, lengths and skips of the protocol-buffers wire format; never past its end. */
class Wire {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    throw new ModelError('tokenizer_invalid', 'The tokenizer model ends inside a number.');
  }

  bytes(length = this.varint()): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new ModelError('tokenizer_invalid', 'The tokenizer model ends inside a field.');
    const slice = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return slice;
  }

  /** Skips the value of a field of the given wire type. */
  skip(type: number): void {
    if (type === 0) this.varint();
    else if (type === 1) this.bytes(8);
    else if (type === 2) this.bytes();
    else if (type === 5) this.bytes(4);
    else throw new ModelError('tokenizer_invalid', 'The tokenizer model is not a SentencePiece file.');
  }
}

function readPiece(bytes: Buffer): Piece {
  const wire = new Wire(bytes);
  let symbol = '';
  let kind: number = PieceKind.normal;
  while (!wire.ended) {
    const tag = wire.varint();
    if (tag === ((1 << 3) | 2)) symbol = wire.bytes().toString('utf8');
    else if (tag === 3 << 3) kind = wire.varint();
    else wire.skip(tag & 7);
  }
  return { symbol, kind };
}

/** The vocabulary of a SentencePiece model file, in order of ids. Throws `ModelError` (`tokenizer_invalid`). */
export function readPieces(model: Buffer): Piece[] {
  const wire = new Wire(model);
  const pieces: Piece[] = [];
  while (!wire.ended) {
    const tag = wire.varint();
    if (tag === ((1 << 3) | 2)) pieces.push(readPiece(wire.bytes()));
    else wire.skip(tag & 7);
  }
  if (pieces.length === 0) throw new ModelError('tokenizer_invalid', 'The tokenizer model has no pieces.');
  return pieces;
}
