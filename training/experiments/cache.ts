import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted } from '../../model/errors.js';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import type { Unit } from './experiment.js';

/** SHA-256 (hex) of a value as JSON; an object's keys count in their order. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** Told of each unit when it begins and when it is done. */
export interface UnitWatcher {
  began(name: string): void;
  detail(text: string): void;
  done(name: string, cached: boolean): void;
}

/** Results of units of work on disk, each in a folder that is named by the hash of its inputs. */
export class UnitCache {
  readonly #hashes: string[] = [];

  /** `base` is what all units share: experiment, version, backbone. */
  constructor(
    private readonly folder: string,
    private readonly base: unknown,
    private readonly watcher: UnitWatcher,
    private readonly signal: AbortSignal,
  ) {}

  /** A hash over all units so far: the inputs that a table comes from. */
  get hash(): string {
    return hashOf(this.#hashes);
  }

  /** The value of a unit, from the disk or from `work`. Throws what `work` throws, `ModelError` (`aborted`). */
  async unit<T>(name: string, inputs: unknown, work: (unit: Unit) => Promise<T>): Promise<T> {
    throwIfAborted(this.signal);
    const hash = hashOf([this.base, name, inputs]);
    this.#hashes.push(hash);
    const folder = path.join(this.folder, hash.slice(0, 24));
    const file = path.join(folder, 'value.json');
    const stored = await readFile(file, 'utf8').catch(() => undefined);
    if (stored !== undefined) {
      this.watcher.done(name, true);
      return (JSON.parse(stored) as { value: T }).value;
    }
    await mkdir(folder, { recursive: true });
    this.watcher.began(name);
    const value = await work({
      folder,
      detail: (text) => {
        this.watcher.detail(text);
      },
    });
    const text = JSON.stringify({ name, base: this.base, inputs, value });
    await writeFileAtomic(file, text);
    this.watcher.done(name, false);
    // As the next run will find it, so that both go on with the very same.
    return (JSON.parse(text) as { value: T }).value;
  }
}
