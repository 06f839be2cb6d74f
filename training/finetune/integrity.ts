import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { HashedFile, ModelConfig } from '../../model/config.js';
import { TrainingError } from './errors.js';

/** SHA-256 (hex) by file name. */
export type Hashes = Readonly<Record<string, string>>;

/** SHA-256 (hex) of a file, read piece by piece. */
export async function hashOfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Graphs and weights that the fingerprint is made of; config.json and the training graphs name it and are no part of it. */
const BACKBONE_FILES = [
  'decoder.bin',
  'decoder.onnx',
  'embedding.bin',
  'encoder.bin',
  'encoder.onnx',
  'tokenizer.model',
] as const;

/**
 * Hashes the backbone's files and compares them with the fingerprint that agents name.
 * Throws `TrainingError` (`backbone_changed`).
 */
export async function backboneHashes(directory: string, config: ModelConfig): Promise<Hashes> {
  const hashes: Record<string, string> = {};
  for (const name of BACKBONE_FILES) hashes[name] = await hashOfFile(path.join(directory, name));
  const lines = Object.entries(hashes).map(([name, hash]) => `${name} ${hash}\n`);
  const fingerprint = createHash('sha256').update(lines.join('')).digest('hex');
  if (fingerprint !== config.fingerprint) {
    throw new TrainingError(
      'backbone_changed',
      `The files of ${directory} have the fingerprint ${fingerprint}, config.json says ${config.fingerprint}.`,
    );
  }
  return hashes;
}

/**
 * The paths of the two training graphs, after comparing them with their hashes in config.json.
 * Throws `TrainingError` (`training_graphs_missing`, `training_graphs_changed`).
 */
export async function trainingGraphFiles(
  directory: string,
  { training }: ModelConfig,
): Promise<{ readonly step: string; readonly evaluation: string }> {
  if (!training) {
    throw new TrainingError(
      'training_graphs_missing',
      `${directory} has no training graphs; training/pretrain/export_step.py makes them.`,
    );
  }
  for (const graph of [training.step, training.evaluation]) await readGraphFile(directory, graph, 'config.json');
  return { step: path.join(directory, training.step.file), evaluation: path.join(directory, training.evaluation.file) };
}

/**
 * The bytes of a training graph, after comparing them with the hash that a record of the folder (`describedBy`) has of it.
 * Throws `TrainingError` (`training_graphs_missing`, `training_graphs_changed`).
 */
export async function readGraphFile(
  directory: string,
  { file, sha256 }: HashedFile,
  describedBy: string,
): Promise<Buffer> {
  const bytes = await readFile(path.join(directory, file)).catch((cause: unknown) => {
    throw new TrainingError('training_graphs_missing', `Cannot read ${file} of ${directory}.`, { cause });
  });
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new TrainingError('training_graphs_changed', `${file} is not the one that ${describedBy} describes.`);
  }
  return bytes;
}
