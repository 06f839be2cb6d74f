import { createHash } from 'node:crypto';
import { access, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import type { Backbone } from '../../model/backbone.js';
import type { ModelConfig } from '../../model/config.js';
import { throwIfAborted } from '../../model/errors.js';
import { EncodedMemory } from '../../model/memory.js';
import { layerNames } from '../../model/signatures.js';
import { TrainingError } from './errors.js';
import { servedMemory } from './step-inputs.js';

/**
 * The encoder's results on disk: the backbone is frozen, so each source is encoded once, however many epochs and runs
 * read it. One file per source, float32: per decoder layer keys [G, h, S], then values [G, S, h].
 */
export class MemoryCache {
  /** Bytes per source token. */
  readonly bytesPerToken: number;

  constructor(
    private readonly folder: string,
    private readonly config: ModelConfig,
  ) {
    this.bytesPerToken = 8 * config.decoder_layers * config.num_kv_heads * config.head_dim;
  }

  /** Encodes the sources that are not in the cache yet; tells after each how many are done. Throws `ModelError`. */
  async fill(
    sources: readonly (readonly number[])[],
    backbone: Pick<Backbone, 'encode'>,
    onProgress: (done: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    for (const [position, ids] of sources.entries()) {
      throwIfAborted(signal);
      if (!(await this.has(ids))) await this.store(ids, await this.encoded(ids, backbone, signal));
      onProgress(position + 1);
    }
  }

  /** The memory of a source. Throws `TrainingError` (`cache_unusable`) if `fill` has not stored it whole. */
  async read(ids: readonly number[]): Promise<Float32Array> {
    const file = this.fileOf(ids);
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new TrainingError('cache_unusable', `Cannot read ${file}.`, { cause });
    });
    if (bytes.length !== ids.length * this.bytesPerToken) {
      throw new TrainingError('cache_unusable', `${file} has ${bytes.length} bytes; delete the cache's folder.`);
    }
    // A small file may lie anywhere in a shared buffer; float32 needs a multiple of four.
    return bytes.byteOffset % 4 === 0
      ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
      : new Float32Array(new Uint8Array(bytes).buffer);
  }

  /** The same for the served decoder. */
  async served(ids: readonly number[]): Promise<EncodedMemory> {
    return servedMemory(ids.length, await this.read(ids), this.config);
  }

  private async encoded(
    ids: readonly number[],
    backbone: Pick<Backbone, 'encode'>,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const memory = await backbone.encode(ids, signal);
    if (!(memory instanceof EncodedMemory)) throw new TypeError('The memory is not from encode().');
    const result = new Float32Array((ids.length * this.bytesPerToken) / 4);
    let at = 0;
    for (const { memoryKey, memoryValue } of layerNames(this.config)) {
      for (const name of [memoryKey, memoryValue]) {
        const part = memory.feeds[name]!.data as Float32Array;
        result.set(part, at);
        at += part.length;
      }
    }
    return result;
  }

  private async store(ids: readonly number[], memory: Float32Array): Promise<void> {
    const file = this.fileOf(ids);
    try {
      await writeFileAtomic(file, new Uint8Array(memory.buffer));
    } catch (cause) {
      throw new TrainingError('cache_unusable', `Cannot write ${file}.`, { cause });
    }
  }

  private has(ids: readonly number[]): Promise<boolean> {
    return access(this.fileOf(ids)).then(
      () => true,
      () => false,
    );
  }

  private fileOf(ids: readonly number[]): string {
    const key = createHash('sha256').update(`${this.config.fingerprint} ${ids.join()}`).digest('hex');
    return path.join(this.folder, `${key}.f32`);
  }
}
