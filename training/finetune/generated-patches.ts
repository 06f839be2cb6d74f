import { createReadStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { agentTensors } from '../../adapters/agent.js';
import { loadBackbone } from '../../model/backbone.js';
import type { ModelConfig } from '../../model/config.js';
import { throwIfAborted } from '../../model/errors.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import type { Engine } from '../../pipeline/pipeline.js';
import { SyntaxChecker } from '../../pipeline/syntax.js';
import { heldOutOfEdit } from '../evaluation/edit-row.js';
import { pipelineFigures } from '../evaluation/figures.js';
import type { HeldOutRow } from '../evaluation/held-out.js';
import { judgeName, tryRow, type RowTrial } from '../evaluation/row-trial.js';
import type { Estimate } from '../evaluation/statistics.js';
import type { AgentPair } from './pipeline-lift.js';
import { hasWholeFiles } from './row-formats.js';
import type { OnLine } from './rows.js';
import type { TrainingRow } from './sequences.js';
import { evenly } from './shown-window.js';

/** What answers of one pair of agents were like; a share is missing where there was nothing to take it of. */
export interface GeneratedFigures {
  /** The patch makes the whole file as the row says; of rows. */
  readonly exact_match: Estimate | undefined;
  /** `git apply --check` takes it; of patches. */
  readonly applies: Estimate | undefined;
  /** The file parses with it; of patches to files that parsed before. */
  readonly syntax_valid: Estimate | undefined;
  /** The server would show no patch by default; of rows. */
  readonly abstained: Estimate | undefined;
}

/** Patches as they are served, on the same held-out rows before and after a training. */
export interface GeneratedPatches {
  readonly rows: number;
  /** Held-out rows without a whole file, such as rows of tokens: nobody can be asked about those. */
  readonly skipped: number;
  readonly syntax_judge: string;
  readonly before: GeneratedFigures;
  readonly after: GeneratedFigures;
}

/**
 * Asks the served pipeline, with its search for the place, for one patch of each of some held-out rows, evenly spread over those
 * that have whole files, by the pair of agents before and the pair after the training. `file` is the one the rows were read from.
 * Undefined if no row has files. Throws `ModelError`.
 */
export async function generatedPatches(
  rows: readonly TrainingRow[],
  pairs: { readonly before: AgentPair; readonly after: AgentPair },
  options: {
    readonly file: string;
    readonly count: number;
    readonly modelDir: string;
    readonly threads: number;
    readonly seed: number;
    readonly onRow?: OnLine | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<GeneratedPatches | undefined> {
  const { count, seed, signal } = options;
  const backbone = await loadBackbone({ directory: options.modelDir, threads: options.threads });
  let syntax: SyntaxChecker | undefined;
  try {
    const askable = await askableRows(rows, options.file, backbone);
    const chosen = evenly(askable, count);
    if (chosen.length === 0) return undefined;
    syntax = await SyntaxChecker.load();
    const engineOf = ({ analyst, coder }: AgentPair): Engine => ({
      backbone,
      agents: {
        issueAnalysis: agentTensors(analyst.tensors, backbone.config),
        codeGeneration: agentTensors(coder.tensors, backbone.config),
      },
      syntax: syntax!,
    });
    const engines = { before: engineOf(pairs.before), after: engineOf(pairs.after) };
    const [before, after]: [RowTrial[], RowTrial[]] = [[], []];
    for (const row of chosen) {
      throwIfAborted(signal);
      before.push(await tryRow(engines.before, row, 1, seed));
      throwIfAborted(signal);
      after.push(await tryRow(engines.after, row, 1, seed));
      options.onRow?.(after.length, chosen.length);
    }
    return {
      rows: chosen.length,
      skipped: rows.length - askable.length,
      syntax_judge: judgeName(),
      before: figuresOf(before, seed),
      after: figuresOf(after, seed),
    };
  } finally {
    syntax?.dispose();
    await backbone.close();
  }
}

/** The rows that tell a whole file, read again from where they came: training keeps their tokens only. */
async function askableRows(
  rows: readonly TrainingRow[],
  file: string,
  { config, tokenizer }: { readonly config: ModelConfig; readonly tokenizer: Tokenizer },
): Promise<HeldOutRow[]> {
  const wanted = new Set(rows.map(({ id }) => id));
  const found: HeldOutRow[] = [];
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number++;
    if (!wanted.has(`${path.basename(file)}:${number}`)) continue;
    const value: unknown = JSON.parse(line);
    const row = hasWholeFiles(value) ? heldOutOfEdit(value, config, tokenizer) : undefined;
    if (row !== undefined && row !== 'not_a_row') found.push(row);
  }
  return found;
}

function figuresOf(trials: readonly RowTrial[], seed: number): GeneratedFigures {
  const measured = trials.map((single) => ({ kind: 'commit' as const, single }));
  const { exact_match, applies, syntax_valid, abstained } = pipelineFigures(measured, 'single', seed)!;
  return {
    exact_match: exact_match.all,
    applies: applies.all,
    syntax_valid: syntax_valid.all,
    abstained: abstained.all,
  };
}
