const BYTE_ORDER_MARK = '\ufeff';
/** Half of a character: cannot be written as UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

const MAX_VIEW_CHARACTERS = 240;

/** The first `count` code points of a text. */
export function firstCharacters(text: string, count: number): string {
  return text.length <= count ? text : Array.from(text).slice(0, count).join('');
}

/**
 * One text file of a request, byte for byte: `byteOrderMark + lines.join('')` is its content. Lines end with a line
 * feed only, as in git; a carriage return before it belongs to the line's end, any other one to its text.
 */
export class SourceFile {
  readonly byteOrderMark: string;
  /** Each line with its end; only the last may lack one. */
  readonly lines: readonly string[];
  /** The end of most lines; what an added line gets. */
  readonly lineEnd: '\n' | '\r\n';

  private constructor(
    readonly path: string,
    readonly text: string,
  ) {
    this.byteOrderMark = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
    this.lines = text.slice(this.byteOrderMark.length).match(/[^\n]*\n|[^\n]+$/g) ?? [];
    let carriageReturns = 0;
    for (const line of this.lines) if (line.endsWith('\r\n')) carriageReturns++;
    this.lineEnd = carriageReturns * 2 > this.lines.length ? '\r\n' : '\n';
  }

  /** Undefined for content that is no text: invalid UTF-8 or a NUL byte. */
  static parse(path: string, content: string | Uint8Array): SourceFile | undefined {
    let text: string;
    try {
      text = typeof content === 'string' ? content.replace(LONE_SURROGATE, '\ufffd') : decode(content);
    } catch {
      return undefined;
    }
    return text.includes('\0') ? undefined : new SourceFile(path, text);
  }

  get endsWithNewline(): boolean {
    return this.lines.length === 0 || this.lines[this.lines.length - 1]!.endsWith('\n');
  }

  /** A line's text without its end, as the model would see it if it were short. */
  lineText(index: number): string {
    const line = this.lines[index]!;
    const end = line.endsWith('\n') ? line.length - 1 : line.length;
    return line.slice(0, line[end - 1] === '\r' ? end - 1 : end);
  }

  /** What the model sees of a line: no end, at most 240 characters. */
  view(index: number): string {
    return firstCharacters(this.lineText(index), MAX_VIEW_CHARACTERS);
  }

  /** What {@link view} leaves out of a long line; mostly empty. */
  hiddenRest(index: number): string {
    return this.lineText(index).slice(this.view(index).length);
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
