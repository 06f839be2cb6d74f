import type { Feeds } from './onnx.js';

/** What `encode` returns: the memory's inputs of the decoder graph, ready to feed. */
export class EncodedMemory {
  readonly sourceLength: number;
  readonly feeds: Readonly<Feeds>;

  constructor(sourceLength: number, feeds: Readonly<Feeds>) {
    this.sourceLength = sourceLength;
    this.feeds = feeds;
  }
}
