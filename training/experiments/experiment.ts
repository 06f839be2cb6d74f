import type { TopLevelSpec } from 'vega-lite';
import type { RequiredAgent } from '../../agents/names.js';
import type { ModelConfig } from '../../model/config.js';

/** One experiment: a file of its own that exports one of these, and a line in `registry.ts`. */
export interface Experiment {
  /** Its word on the command line, its folder of results and its section of the document. */
  readonly name: string;
  readonly title: string;
  /** What it asks and how it answers, in a few sentences: the text under its heading. */
  readonly question: string;
  /** Part of the hash of every unit: raise it when the code would give other numbers for the same inputs. */
  readonly version: number;
  run(context: ExperimentContext): Promise<ExperimentResult>;
}

/** A file of edits with the name of the repository that it was mined from. */
export interface RowsFile {
  readonly name: string;
  readonly file: string;
}

/** The model that is experimented on. */
export interface ExperimentModel {
  readonly directory: string;
  readonly config: ModelConfig;
  readonly threads: number;
  /** The file of a released agent; it is only read. */
  agentFile(agent: RequiredAgent): string;
}

/** What an experiment works with. */
export interface ExperimentContext {
  /** The tiny model, made-up rows, few steps: shows that everything runs; the numbers mean nothing. */
  readonly quick: boolean;
  /** 0 and up, as many as `--seeds` says; at least one. */
  readonly seeds: readonly number[];
  readonly model: ExperimentModel;
  /** Mined rows by repository, as `--rows` names them. Reading this throws `TrainingError` where a file is missing. */
  readonly rows: readonly RowsFile[];
  /** The seed's SWE-bench rows with their split. */
  readonly sweBench: string;
  /** Folder of the encoder's results, shared by all experiments (see `MemoryCache`). */
  readonly memory: string;
  readonly signal: AbortSignal;
  /** Announces so many further units, for the time left. */
  readonly plan: (units: number) => void;
  /**
   * One unit of work, cached on disk: its value (JSON) is taken from an earlier run if experiment, version, backbone, name
   * and inputs are the same. `inputs` are the settings, the rows' hash (`hashOf`), the agents' generations: all that
   * decides the value. A killed run finds the unit's folder as it was left, so a checkpoint in it can be gone on from.
   */
  readonly unit: <T>(name: string, inputs: unknown, work: (unit: Unit) => Promise<T>) => Promise<T>;
}

/** What the work of a unit is handed. */
export interface Unit {
  /** Its own folder, for checkpoints and agents; it exists, and is kept beside the value. */
  readonly folder: string;
  /** Says on the progress bar what is being done. */
  readonly detail: (text: string) => void;
}

export type Cell = string | number;

/** A table of the document; also written as LaTeX and JSON. */
export interface Table {
  /** Part of file names: small letters, digits, hyphens. */
  readonly id: string;
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Sentences under the table, for instance how a definition differs from the seed's. */
  readonly notes?: readonly string[];
}

/** A plot, drawn as SVG. */
export interface Plot {
  readonly id: string;
  readonly title: string;
  readonly spec: TopLevelSpec;
  /** What it shows, in a sentence. */
  readonly caption: string;
}

/** A file with one input and what became of it; failures are samples, too. */
export interface Sample {
  readonly id: string;
  readonly text: string;
}

/** A row that could not be used or failed; it stays in the report. */
export interface FailedRow {
  readonly row: string;
  /** Where: `read`, `generate`, the name of a unit. */
  readonly step: string;
  readonly reason: string;
}

/** What an experiment found. */
export interface ExperimentResult {
  /** What was learnt, in sentences with numbers. */
  readonly findings: readonly string[];
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  readonly samples: readonly Sample[];
  readonly failed: readonly FailedRow[];
  /** All numbers, as they go to `results.json`. */
  readonly data: unknown;
  /** Files that are written beside the others under these names, each as JSON. */
  readonly files?: Readonly<Record<string, unknown>>;
}
