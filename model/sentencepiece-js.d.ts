/** The part of sentencepiece-js 1.1.0 that model/tokenizer.ts uses; the package has no types. */
declare module 'sentencepiece-js' {
  export class SentencePieceProcessor {
    /** Reads a model file (through WebAssembly's own file system). A corrupt file is not reported. */
    load(file: string): Promise<void>;
    encodeIds(text: string): number[];
  }
}
