import { readFile } from 'node:fs/promises';
import { SentencePieceProcessor } from 'sentencepiece-js';
import { SPECIAL_NAMES, type ModelConfig, type SpecialName } from './config.js';
import { ModelError } from './errors.js';
import { PieceKind, readPieces, type Piece } from './pieces.js';

type Bare<Name> = Name extends `<|${infer Word}|>` ? Word : never;

/** Ids of the protocol's special symbols by their word: `special.ctx` is the id of `<|ctx|>`. */
export type SpecialIds = Readonly<Record<Bare<SpecialName>, number>>;

/** Text to ids and back, exactly. Ids and segmentation are those of SentencePiece in Python. */
export interface Tokenizer {
  /** Number of ids, V. */
  readonly size: number;
  readonly special: SpecialIds;
  readonly newline: number;
  readonly eos: number;
  /** Ids that are no text: the special symbols, padding, beginning, end and unknown. `encodeText` never gives one. */
  readonly nonText: ReadonlySet<number>;
  /** Ids of any text. A text that spells a special symbol gets ordinary ids. A lone surrogate becomes U+FFFD. */
  encodeText(text: string): number[];
  /** Ids of one line (given without its newline) and the newline. */
  encodeLine(line: string): number[];
  /** The text of ids: special symbols by name, padding and the like as nothing. Throws `ModelError` (`token_invalid`). */
  decode(ids: readonly number[]): string;
  /** The bytes (UTF-8) that an id stands for in text: one for a byte piece, none for padding, beginning, end, unknown. */
  pieceBytes(id: number): Uint8Array;
  /** The text of one id; empty for a piece that is a part of a character (see `pieceBytes`). */
  pieceText(id: number): string;
}

/** SentencePiece writes this character for a space, so the character itself has to be spelt by its bytes. */
const SPACE_MARK = '\u2581';

/** Splits `<|` in two, so that no special symbol is ever seen whole in a user's text. */
const INSIDE_SPECIAL = /(?<=<)(?=\|)/;

/** Reads the tokenizer of a model directory. Throws `ModelError` (`model_file_unreadable`, `tokenizer_invalid`). */
export async function loadTokenizer(file: string, config: ModelConfig): Promise<Tokenizer> {
  let model: Buffer;
  try {
    model = await readFile(file);
  } catch (cause) {
    throw new ModelError('model_file_unreadable', `Cannot read ${file}.`, { cause });
  }
  const pieces = readPieces(model);
  checkAgainstConfig(pieces, config);
  const processor = new SentencePieceProcessor();
  await withoutProcessListeners(() => processor.load(file));
  return new PieceTokenizer(pieces, config, (text) => processor.encodeIds(text));
}

/**
 * Emscripten's start code makes the process rethrow unhandled rejections and exceptions by listeners of its own.
 * A library has no business with that: they are removed again.
 */
async function withoutProcessListeners(load: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'uncaughtException')));
  await load();
  events.forEach((event, index) => {
    for (const listener of process.listeners(event as 'uncaughtException')) {
      if (before[index]?.has(listener) === false) process.off(event, listener);
    }
  });
}

function checkAgainstConfig(pieces: readonly Piece[], config: ModelConfig): void {
  const fail = (message: string): never => {
    throw new ModelError('tokenizer_invalid', `The tokenizer does not fit config.json: ${message}.`);
  };
  if (pieces.length !== config.vocab_size) fail(`${pieces.length} pieces, vocab_size ${config.vocab_size}`);
  for (const name of SPECIAL_NAMES) {
    const id = config.special[name];
    if (pieces[id]?.symbol !== name) fail(`id ${id} is not ${name}`);
  }
  if (pieces[config.newline]?.symbol !== '\n') fail(`id ${config.newline} is not the newline`);
  for (const id of [config.pad, config.bos, config.eos]) {
    if (pieces[id]?.kind !== PieceKind.control) fail(`id ${id} is no control symbol`);
  }
}

function bytesOf({ symbol, kind }: Piece): Uint8Array {
  if (kind === PieceKind.control || kind === PieceKind.unknown) return new Uint8Array(0);
  if (kind === PieceKind.byte) return Uint8Array.of(Number.parseInt(symbol.slice(1, -1), 16));
  return Buffer.from(symbol.replaceAll(SPACE_MARK, ' '), 'utf8');
}

class PieceTokenizer implements Tokenizer {
  readonly size: number;
  readonly special: SpecialIds;
  readonly newline: number;
  readonly eos: number;
  readonly nonText: ReadonlySet<number>;
  readonly #bytes: readonly Uint8Array[];
  /** Text of each id; undefined for byte pieces, whose text depends on their neighbours. */
  readonly #texts: readonly (string | undefined)[];
  readonly #spaceMark: readonly number[];
  readonly #encode: (text: string) => number[];

  constructor(pieces: readonly Piece[], config: ModelConfig, encode: (text: string) => number[]) {
    this.size = pieces.length;
    const words = SPECIAL_NAMES.map((name) => [name.slice(2, -2), config.special[name]]);
    this.special = Object.fromEntries(words) as SpecialIds;
    this.newline = config.newline;
    this.eos = config.eos;
    const nonText = new Set(SPECIAL_NAMES.map((name) => config.special[name]));
    const byteIds = new Map<number, number>();
    this.#bytes = pieces.map(bytesOf);
    this.#texts = pieces.map((piece, id) => {
      const bytes = this.#bytes[id]!;
      if (piece.kind === PieceKind.control || piece.kind === PieceKind.unknown) nonText.add(id);
      if (piece.kind !== PieceKind.byte) return Buffer.from(bytes).toString('utf8');
      byteIds.set(bytes[0]!, id);
      return undefined;
    });
    this.nonText = nonText;
    this.#spaceMark = [...Buffer.from(SPACE_MARK)].map((byte) => {
      const id = byteIds.get(byte);
      if (id === undefined) throw new ModelError('tokenizer_invalid', 'The tokenizer has no byte pieces.');
      return id;
    });
    this.#encode = encode;
  }

  encodeText(text: string): number[] {
    const whole = text.replace(/\p{Surrogate}/gu, '\ufffd');
    if (!whole.includes('<|') && !whole.includes(SPACE_MARK)) return this.#encode(whole);
    const ids: number[] = [];
    for (const part of whole.split(INSIDE_SPECIAL)) {
      part.split(SPACE_MARK).forEach((between, index) => {
        if (index > 0) ids.push(...this.#spaceMark);
        for (const id of this.#encode(between)) ids.push(id);
      });
    }
    return ids;
  }

  encodeLine(line: string): number[] {
    const ids = this.encodeText(line);
    ids.push(this.newline);
    return ids;
  }

  decode(ids: readonly number[]): string {
    let text = '';
    let bytes: number[] = [];
    for (const id of ids) {
      const piece = this.#texts[id];
      if (piece === undefined) {
        bytes.push(...this.pieceBytes(id));
        continue;
      }
      if (bytes.length > 0) {
        text += Buffer.from(bytes).toString('utf8');
        bytes = [];
      }
      text += piece;
    }
    return bytes.length > 0 ? text + Buffer.from(bytes).toString('utf8') : text;
  }

  pieceBytes(id: number): Uint8Array {
    const bytes = this.#bytes[id];
    if (bytes === undefined) throw new ModelError('token_invalid', `There is no token ${id}.`);
    return bytes;
  }

  pieceText(id: number): string {
    return this.#texts[id] ?? (this.pieceBytes(id)[0]! < 0x80 ? String.fromCharCode(this.pieceBytes(id)[0]!) : '');
  }
}
