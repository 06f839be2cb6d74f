import type { ChainDeclaration } from './declaration.js';

/** A chain whose first agent writes a few fields and whose last one writes lines of code; what is special to it are these texts. */
export interface TextChain extends ChainDeclaration {
  readonly isRequired: false;
  /** What a prompt asks for; undefined if the chain cannot answer it. */
  read(prompt: string): ChainTask | undefined;
}

/** One prompt as the agents of a chain see it. */
export interface ChainTask {
  /** What the encoder reads. */
  readonly source: string;
  /** What the first agent writes, in this order. */
  readonly fields: readonly ChainField[];
  /** 1 to 16 spaces, with which every line of the answer begins. */
  readonly indent: string;
  /** Tokens of the answer at most. */
  readonly maxAnswerTokens: number;
  /** A path whose name tells the language of `program`. */
  readonly path: string;
  /** The whole program with an answer in its place; it must parse. */
  program(answer: string): string;
  /** Why an answer that parses is none, in a few words. */
  faultOf(answer: string): string | undefined;
}

/** One field of the first agent's text, of one line, after its special symbol. */
export interface ChainField {
  readonly symbol: 'problem' | 'loc' | 'line' | 'hint';
  /** Its text, if the prompt tells it: it is not asked of the agent then. */
  readonly given?: string;
  /** Tokens of a text that the agent writes at most. */
  readonly maxTokens: number;
  /** Why a text cannot stand, in a few words. */
  faultOf?(text: string): string | undefined;
}
