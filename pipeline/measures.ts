import type { DecoderState } from '../model/decoder-state.js';
import type { WrittenPatch } from './written-patch.js';
import { codeTerms } from './code-terms.js';
import type { Hypothesis } from './hypotheses.js';
import type { AgentMeasures, Analysis, Measures, PipelineEvent } from './types.js';

/** What is noted of one agent while it works. */
class AgentRecord {
  firstTextMs: number | null = null;
  readonly gapsMs: number[] = [];
  #lastText = 0;
  #gateSum = 0;
  #tokens = 0;
  #runs = 0;
  #sequences = 0;

  /** Text of the agent's first sequence came out, `ms` after the start of the request. */
  text(ms: number): void {
    if (this.firstTextMs === null) this.firstTextMs = ms;
    else this.gapsMs.push(ms - this.#lastText);
    this.#lastText = ms;
  }

  decoded({ routerGateMean, usage }: DecoderState): void {
    this.#gateSum += routerGateMean * usage.tokens;
    this.#tokens += usage.tokens;
    this.#runs += usage.runs;
    this.#sequences += usage.sequences;
  }

  measures(sequences: readonly { readonly logprob: number; readonly choices: number }[]): AgentMeasures {
    const choices = sequences.reduce((sum, one) => sum + one.choices, 0);
    const logprob = sequences.reduce((sum, one) => sum + one.logprob, 0);
    return {
      first_text_ms: this.firstTextMs,
      gaps_ms: this.gapsMs,
      mean_logprob: choices === 0 ? null : logprob / choices,
      gate_mean: this.#tokens === 0 ? null : this.#gateSum / this.#tokens,
      runs: this.#runs,
      sequences: this.#sequences,
    };
  }
}

/** Gathers the {@link Measures} of one request. */
export class MeasureRecorder {
  readonly analysis = new AgentRecord();
  readonly code = new AgentRecord();
  readonly #started = performance.now();

  /** Notes when text comes out; to be called with every event. */
  watch(event: PipelineEvent): void {
    if (event.type === 'text' && event.stage !== 'completion')
      this[event.stage].text(performance.now() - this.#started);
  }

  /** `shown` are the patch proposed first and its analysis. */
  measures(
    hypotheses: readonly Hypothesis[],
    written: readonly WrittenPatch[],
    shown: { readonly analysis: Analysis; readonly diff: string } | undefined,
  ): Measures {
    return {
      analysis: this.analysis.measures(hypotheses),
      code: this.code.measures(written),
      overlap: shown ? lexicalOverlap(shown.analysis, shown.diff) : null,
    };
  }
}

/**
 * The share (0 to 1) of the distinct terms of a diff's changed lines that problem, line or hint of its analysis name, too.
 * Null if the changed lines have no terms.
 */
export function lexicalOverlap({ problem, line, hint }: Analysis, diff: string): number | null {
  const changed = new Set(
    codeTerms((diff.match(/^[-+](?![-+]{2} ).*$/gm) ?? []).map((text) => text.slice(1)).join('\n')),
  );
  if (changed.size === 0) return null;
  const named = new Set(codeTerms(`${problem}\n${line}\n${hint}`));
  return [...changed].filter((term) => named.has(term)).length / changed.size;
}
