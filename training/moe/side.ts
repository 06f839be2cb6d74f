import { access } from 'node:fs/promises';
import path from 'node:path';
import { REQUIRED_AGENTS, type RequiredAgent } from '../../agents/names.js';
import { readTensors, writeTensors, type NamedTensor } from '../../adapters/safetensors.js';
import { hashOfFile } from '../finetune/integrity.js';
import type { Numbers } from '../finetune/optimiser.js';
import { learn, type Learnt, type Lesson } from './learn.js';
import type { Measured } from './measure.js';
import { sequencesOfRoles, type Study } from './study.js';

/** By role: the two agents' names. */
export type PerRole<T> = Readonly<Record<RequiredAgent, T>>;

/** One side of the comparison: which roles share tensors, and what these are. */
export interface Side<Name extends string> {
  /** Roles that are learnt by the same tensors: each by its own, or both by one mixture. */
  readonly groups: readonly (readonly RequiredAgent[])[];
  readonly graphs: Lesson<Name>['graphs'];
  readonly shapes: Readonly<Record<Name, readonly number[]>>;
  /** Numbers of a group before it has learnt anything. */
  start(group: number): Numbers<Name>;
  /** Measures numbers on the held-out rows of a role. */
  measure(numbers: Numbers<Name>, role: RequiredAgent): Promise<Measured>;
}

/** What became of a side. */
export interface SideResult {
  /** Validation cross-entropy before the first epoch and after each, by what was trained. */
  readonly validations: Readonly<Record<string, readonly number[]>>;
  /** Held out, after both roles were learnt. */
  readonly trained: PerRole<Measured>;
  /** Held out, after one role (first key) was adapted: what each role (second key) does then. */
  readonly adapted: PerRole<PerRole<Measured>>;
  /** SHA-256 of the file that serves a role, before and after one role (key) was adapted. */
  readonly files: {
    readonly trained: PerRole<string>;
    readonly adapted: PerRole<PerRole<string>>;
  };
}

/**
 * Trains both roles, then adapts one role after the other from there, each time alone, on rows of its own. Numbers go
 * to `folder` as they are trained; what lies there from an interrupted run is not trained again.
 * Throws `TrainingError`, `ModelError`, `AgentError`.
 */
export async function runSide<Name extends string>(
  side: Side<Name>,
  study: Study,
  folder: string,
  detail: (text: string) => void,
): Promise<SideResult> {
  const { settings, seed, signal } = study;
  const validations: Record<string, readonly number[]> = {};
  const stage = async (
    name: string,
    start: Numbers<Name>,
    lesson: Pick<Lesson<Name>, 'train' | 'valid'>,
  ): Promise<Stage<Name>> => {
    const file = path.join(folder, `${name}.safetensors`);
    const onEpoch = (epoch: number): void => {
      detail(`${name}, epoch ${epoch} of ${settings.epochs}`);
    };
    const validRows = study.rows.valid.length;
    const work = (): Promise<Learnt<Name>> =>
      learn({ ...lesson, graphs: side.graphs, start, validRows, seed, settings, onEpoch, signal });
    const learnt = (await stored<Name>(file)) ?? (await store(file, await work(), side.shapes));
    validations[name] = learnt.validations;
    return { numbers: learnt.best, file };
  };
  const groups: Stage<Name>[] = [];
  for (const [number, roles] of side.groups.entries()) {
    const name = roles.join('-and-');
    groups.push(
      await stage(name, side.start(number), {
        train: sequencesOfRoles(study, 'base', roles),
        valid: sequencesOfRoles(study, 'valid', roles),
      }),
    );
  }
  const groupOf = (role: RequiredAgent): number => side.groups.findIndex((roles) => roles.includes(role));
  const measured = (stages: readonly Stage<Name>[]): Promise<PerRole<Measured>> =>
    perRole((role) => {
      detail(`held-out rows, ${role}`);
      return side.measure(stages[groupOf(role)]!.numbers, role);
    });
  const hashes = (stages: readonly Stage<Name>[]): Promise<PerRole<string>> =>
    perRole((role) => hashOfFile(stages[groupOf(role)]!.file));
  const trained = await measured(groups);
  const filesBefore = await hashes(groups);
  const adapted = await perRole(async (role) => {
    const own = groupOf(role);
    const next = await stage(`${role}-adapted`, groups[own]!.numbers, {
      train: sequencesOfRoles(study, 'adapt', [role]),
      valid: sequencesOfRoles(study, 'valid', [role]),
    });
    const stages = groups.map((group, number) => (number === own ? next : group));
    return { measured: await measured(stages), files: await hashes(stages) };
  });
  return {
    validations,
    trained,
    adapted: await perRole((role) => adapted[role].measured),
    files: { trained: filesBefore, adapted: await perRole((role) => adapted[role].files) },
  };
}

/** A group's numbers and the file they lie in. */
interface Stage<Name extends string> {
  readonly numbers: Numbers<Name>;
  readonly file: string;
}

async function perRole<T>(of: (role: RequiredAgent) => T | Promise<T>): Promise<PerRole<T>> {
  const result: Partial<Record<RequiredAgent, T>> = {};
  for (const role of REQUIRED_AGENTS) result[role] = await of(role);
  return result as PerRole<T>;
}

async function store<Name extends string>(
  file: string,
  learnt: Learnt<Name>,
  shapes: Side<Name>['shapes'],
): Promise<Learnt<Name>> {
  const tensors = Object.entries<Float32Array>(learnt.best).map(([name, data]): [string, NamedTensor] => [
    name,
    { shape: shapes[name as Name], data },
  ]);
  const metadata = { format: '1', validations: JSON.stringify(learnt.validations) };
  await writeTensors(file, { tensors: new Map(tensors), metadata });
  return learnt;
}

async function stored<Name extends string>(file: string): Promise<Learnt<Name> | undefined> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (!exists) return undefined;
  const { tensors, metadata } = await readTensors(file);
  const best = Object.fromEntries([...tensors].map(([name, { data }]) => [name, data])) as Numbers<Name>;
  return { best, validations: JSON.parse(metadata['validations']!) as number[] };
}
