import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { AbstentionReason, Analysis, ProposedPatch } from '../../pipeline/types.js';
import type { InferenceResult } from '../inference/messages.js';
import type { Label } from '../releases/state.js';
import { prefix, ratioBuckets } from './names.js';
import { RecentPatches } from './similarity.js';

const ABSTENTIONS: readonly AbstentionReason[] = ['nothing_to_edit', 'no_candidate', 'out_of_time', 'low_confidence'];

/** What the answers are worth, as far as it can be told without knowing the right ones. */
export class QualityMetrics {
  readonly patches;
  readonly syntax;
  readonly agreement;
  readonly abstentions;
  readonly changedLines;
  readonly confidence;
  readonly coverage;
  readonly overlap;
  readonly #recent = new RecentPatches();

  constructor(registry: Registry) {
    const registers = [registry];
    this.patches = new Counter({
      name: `${prefix}patches_total`,
      help: 'Returned patches by status and label of the release; one abstained answer counts as one.',
      labelNames: ['label', 'status'] as const,
      registers,
    });
    this.syntax = new Counter({
      name: `${prefix}patch_syntax_total`,
      help: 'Returned patches by whether the file parses with them; unknown where there is no grammar or it did not parse before.',
      labelNames: ['verdict'] as const,
      registers,
    });
    this.agreement = new Counter({
      name: `${prefix}patch_agreement_total`,
      help: 'First patches by where they are: on the line that the analysis names, in its definition, or elsewhere.',
      labelNames: ['place'] as const,
      registers,
    });
    this.abstentions = new Counter({
      name: `${prefix}abstentions_total`,
      help: 'Answers without a patch, by reason.',
      labelNames: ['reason'] as const,
      registers,
    });
    this.changedLines = new Histogram({
      name: `${prefix}patch_changed_lines`,
      help: 'Lines removed and added by the first patch of an answer.',
      buckets: [1, 2, 3, 5, 8, 13, 21, 34, 55],
      registers,
    });
    this.confidence = new Histogram({
      name: `${prefix}analysis_confidence`,
      help: 'Confidence of the first analysis of an answer.',
      buckets: ratioBuckets,
      registers,
    });
    this.coverage = new Histogram({
      name: `${prefix}analysis_field_coverage_ratio`,
      help: 'Share of the five fields of the first analysis that are not empty.',
      buckets: [0, 0.2, 0.4, 0.6, 0.8, 1],
      registers,
    });
    this.overlap = new Histogram({
      name: `${prefix}analysis_patch_overlap_ratio`,
      help: 'Share of the words in the changed lines of the first patch that its analysis names.',
      buckets: ratioBuckets,
      registers,
    });
    const recent = this.#recent;
    new Gauge({
      name: `${prefix}recent_patch_similarity_ratio`,
      help: 'Mean pairwise similarity of the last 10 different patches; near 1 the agent answers everything alike.',
      registers,
      collect(): void {
        this.set(recent.similarity());
      },
    });
    for (const status of ['applies', 'syntax_error', 'abstained']) this.patches.inc({ label: 'stable', status }, 0);
    for (const verdict of ['valid', 'invalid', 'unknown']) this.syntax.inc({ verdict }, 0);
    for (const place of ['line', 'definition', 'elsewhere']) this.agreement.inc({ place }, 0);
    for (const reason of ABSTENTIONS) this.abstentions.inc({ reason }, 0);
  }

  observe({ result, measures }: InferenceResult, label: Label): void {
    const { patches, analysis } = result;
    if (patches.length === 0) this.patches.inc({ label, status: 'abstained' });
    if (result.abstained_because !== undefined) this.abstentions.inc({ reason: result.abstained_because });
    for (const patch of patches) {
      this.patches.inc({ label, status: patch.status });
      this.syntax.inc({ verdict: verdictOf(patch) });
    }
    const first = patches[0];
    if (first) {
      this.changedLines.observe(first.diff.match(/^[-+](?![-+]{2} )/gm)?.length ?? 0);
      this.agreement.inc({ place: placeOf(first) });
      this.#recent.add(first.diff);
    }
    if (measures.overlap !== null) this.overlap.observe(measures.overlap);
    if (analysis) {
      this.confidence.observe(analysis.confidence);
      this.coverage.observe(coverageOf(analysis));
    }
  }
}

function coverageOf({ problem, fault_type, fault_location, line, hint }: Analysis): number {
  const fields = [problem, fault_type, fault_location, line, hint];
  return fields.filter((field) => field !== '').length / fields.length;
}

/** The ranking's weight for its reason `syntax`: positive if the file parses, negative if no longer, absent if unknown. */
function verdictOf({ reasons }: ProposedPatch): string {
  const weight = reasons.find(({ name }) => name === 'syntax')?.weight ?? 0;
  return weight > 0 ? 'valid' : weight < 0 ? 'invalid' : 'unknown';
}

/** The ranking's weight for its reason `agreement`: positive on the line, absent in the definition, negative elsewhere. */
function placeOf({ reasons }: ProposedPatch): string {
  const weight = reasons.find(({ name }) => name === 'agreement')?.weight ?? 0;
  return weight > 0 ? 'line' : weight < 0 ? 'elsewhere' : 'definition';
}
