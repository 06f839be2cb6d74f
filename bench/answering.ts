import type { AgentTensors } from '../model/agent-tensors.js';
import type { Backbone, Memory } from '../model/backbone.js';
import type { Constraint } from '../model/constraint.js';
import { AnalysisConstraint, type AnalysisChoices } from '../model/constraints/analysis-constraint.js';
import { PatchConstraint } from '../model/constraints/patch-constraint.js';
import { constraintVocabulary, type ConstraintVocabulary } from '../model/constraints/vocabulary.js';
import { WindowLines } from '../model/constraints/window-lines.js';
import type { DecoderState } from '../model/decoder-state.js';
import { generate } from '../model/generate.js';
import { choicesOf } from '../pipeline/analysis.js';
import { DEFAULT_OPTIONS } from '../pipeline/types.js';
import { viewsOf } from '../pipeline/windows.js';
import { EndlessPatch, FreeText } from './constraints.js';
import { GuidedState } from './guided-state.js';
import type { KnownRequest } from './request.js';

/**
 * What the decoders write. `known`: the answer of the request, as if the model had chosen it. `own`: what the agents
 * choose, without an end. `unaided`: any text, each token sampled by itself: nothing forced, nothing drafted.
 */
export type Mode = 'known' | 'own' | 'unaided';

/** Where the tokens of an answer came from. */
export interface Shares {
  readonly forced: number;
  /** Guessed by a draft and confirmed by the model, several in one run. */
  readonly drafted: number;
  /** The first choice of a run. */
  readonly sampled: number;
  /** Runs of the decoder. */
  readonly runs: number;
}

export interface Agents {
  readonly issueAnalysis: AgentTensors;
  readonly codeGeneration: AgentTensors;
}

/** Opens a decoder; another one than the backbone's own counts without computing. */
export type OpenDecoder = (memory: Memory, agent: AgentTensors) => DecoderState;

/** One analysis and one patch, one sequence each, of `newTokens` tokens in all. */
export class Answering {
  readonly #choices: AnalysisChoices;
  readonly #lines: WindowLines;
  readonly #vocabulary: ConstraintVocabulary;
  readonly #backbone: Backbone;
  readonly #request: KnownRequest;

  constructor(backbone: Backbone, request: KnownRequest) {
    this.#backbone = backbone;
    this.#request = request;
    this.#vocabulary = constraintVocabulary(backbone.tokenizer);
    this.#choices = choicesOf(request.window, backbone.config.fault_types, this.#vocabulary);
    this.#lines = new WindowLines(viewsOf(request.window), this.#vocabulary);
  }

  async write(memory: Memory, agents: Agents, mode: Mode, newTokens: number, open?: OpenDecoder): Promise<Shares> {
    const { special, eos } = this.#backbone.tokenizer;
    const { issue, source, analysis: knownAnalysis, patch: knownPatch } = this.#request;
    const decoder = open ?? ((from: Memory, agent: AgentTensors) => this.#backbone.open(from, agent));
    const analysisConstraint = new AnalysisConstraint(this.#choices, this.#vocabulary, {
      maxProblemTokens: DEFAULT_OPTIONS.maxProblemTokens,
      maxHintTokens: DEFAULT_OPTIONS.maxHintTokens,
      expectedProblem: this.#vocabulary.encodeText(issue.title).slice(0, DEFAULT_OPTIONS.maxProblemTokens),
      quotable: source,
    });
    const freeText = new FreeText(this.#backbone.tokenizer.nonText);
    const analysis = await this.#sequence({
      state: decoder(memory, agents.issueAnalysis),
      constraint: mode === 'unaided' ? freeText : analysisConstraint,
      prompt: [special.analyse],
      ...(mode === 'known' && { text: knownAnalysis }),
      newTokens: mode === 'unaided' ? knownAnalysis.length : newTokens,
      drafts: mode !== 'unaided',
    });
    const patchConstraint = new PatchConstraint(this.#lines, this.#vocabulary, {
      maxTokens: this.#backbone.config.max_target_tokens,
      hint: this.#hintOf(analysis.tokens),
    });
    const patch = await this.#sequence({
      state: decoder(memory, agents.codeGeneration),
      constraint:
        mode === 'unaided' ? freeText : mode === 'own' ? new EndlessPatch(patchConstraint, eos) : patchConstraint,
      prompt: [special.analyse, ...analysis.tokens],
      ...(mode === 'known' && { text: knownPatch }),
      newTokens: newTokens - analysis.tokens.length,
      drafts: mode !== 'unaided',
    });
    const sum = (of: keyof Shares): number => analysis.shares[of] + patch.shares[of];
    return { forced: sum('forced'), drafted: sum('drafted'), sampled: sum('sampled'), runs: sum('runs') };
  }

  #hintOf(analysis: readonly number[]): readonly number[] {
    const { hint } = this.#backbone.tokenizer.special;
    return analysis.slice(analysis.indexOf(hint) + 1, -1);
  }

  async #sequence(task: {
    state: DecoderState;
    constraint: Constraint;
    prompt: readonly number[];
    text?: readonly number[];
    newTokens: number;
    drafts: boolean;
  }): Promise<{ tokens: readonly number[]; shares: Shares }> {
    const { prompt, text, constraint, newTokens, drafts } = task;
    const state = new GuidedState(task.state, text && [...prompt, ...text]);
    const shares = { forced: 0, drafted: 0, sampled: 0 };
    let lastRun = 0;
    try {
      const [finished] = await generate(state, [{ row: state.row(), constraint, prompt }], {
        maxNewTokens: newTokens,
        ...(!drafts && { maxDraft: 0 }),
        onToken: ({ forced }) => {
          if (forced) shares.forced++;
          else if (lastRun === state.runs) shares.drafted++;
          else shares.sampled++;
          if (!forced) lastRun = state.runs;
        },
      });
      return { tokens: finished!.tokens, shares: { ...shares, runs: state.runs } };
    } finally {
      state.close();
    }
  }
}
