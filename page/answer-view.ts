import type { Analysis, Answer, ProposedPatch } from './answers.js';
import { byId, make, makeFacts, percent } from './elements.js';
import { makeFeedback } from './feedback-form.js';
import { makePatchCard } from './patch-card.js';

const why: Record<NonNullable<Answer['abstained_because']>, string> = {
  nothing_to_edit: 'None of the files is text with lines to edit. Add the source file that the issue is about.',
  no_candidate:
    'No patch came to an end that changes something. Say in the issue which function is wrong, or send less code.',
  low_confidence:
    'Every patch that was tried scored too low to be trusted. Say in the issue which function is wrong and send its file, or ask for those that score low.',
};

/** Where an answer appears, piece by piece. */
export class AnswerView {
  readonly #part = byId('answer', HTMLElement);
  readonly #heading = byId('answer-heading', HTMLElement);
  readonly #progress = byId('progress', HTMLElement);
  readonly #writing = byId('writing', HTMLElement);
  readonly #written = byId('written', HTMLElement);
  readonly #abstained = byId('abstained', HTMLElement);
  readonly #patches = byId('patches', HTMLElement);
  readonly #analysesPart = byId('analyses-part', HTMLElement);
  readonly #analyses = byId('analyses', HTMLElement);
  readonly #facts = byId('facts', HTMLElement);
  #stage = '';

  /** Empties it for a new request. */
  begin(): void {
    this.#part.hidden = false;
    for (const part of [this.#writing, this.#abstained, this.#analysesPart]) part.hidden = true;
    for (const part of [this.#written, this.#abstained, this.#patches, this.#analyses, this.#facts]) {
      part.replaceChildren();
    }
    this.#stage = '';
    this.#part.setAttribute('aria-busy', 'true');
    this.say('Waiting for a free worker, then reading the code…');
  }

  /** Tells how far it is, also to screen readers. */
  say(what: string): void {
    this.#progress.textContent = what;
  }

  /** Text as the model writes it: shown, but not read aloud piece by piece. */
  write(stage: string, text: string): void {
    if (stage !== this.#stage) {
      this.#written.replaceChildren();
      this.say(stage === 'analysis' ? 'Analysing the issue…' : 'Writing patches…');
      this.#stage = stage;
    }
    this.#writing.hidden = false;
    this.#written.append(text);
    this.#written.scrollTop = this.#written.scrollHeight;
  }

  addAnalysis(analysis: Analysis): void {
    this.#analysesPart.hidden = false;
    const facts = makeFacts([
      ['Problem', analysis.problem],
      ['Kind', analysis.fault_type.replaceAll('_', ' ')],
      ['Where', make('code', {}, analysis.fault_location)],
      ['Line', analysis.line && make('code', {}, analysis.line)],
      ['Plan', analysis.hint],
      ['Confidence', percent(analysis.confidence)],
    ]);
    this.#analyses.append(make('li', {}, facts));
  }

  addCandidate(patch: ProposedPatch): void {
    this.#patches.append(makePatchCard(patch, this.#patches.children.length + 1, 'Candidate'));
  }

  /** The whole answer takes the place of the candidates. With `key` its patches can be judged. */
  finish(answer: Answer, key: (() => string) | undefined): void {
    const { id, patches, abstained_because: reason, timings, usage, release } = answer;
    const cards = patches.map((patch, index) => {
      const card = makePatchCard(patch, index + 1, 'Patch');
      if (key) card.append(makeFeedback({ id, patch, index, key }));
      return card;
    });
    this.#patches.replaceChildren(...cards);
    if (patches.length === 0) {
      this.#abstained.replaceChildren(
        make('p', {}, make('strong', {}, 'No confident patch.')),
        make('p', {}, reason ? why[reason] : 'The server proposes nothing.'),
      );
      this.#abstained.hidden = false;
    }
    this.#facts.textContent =
      `Answer ${id} of release ${release.id.slice(0, 12)}: ${seconds(timings.total)}, ${seconds(timings.queue)} of them waiting; ` +
      `${usage.source_tokens} tokens read, ${usage.analysis_tokens + usage.patch_tokens} written.`;
    const found = patches.length === 1 ? '1 patch' : `${patches.length} patches`;
    this.end(patches.length === 0 ? 'Done: no confident patch.' : `Done: ${found}.`);
  }

  /** Nothing more comes. */
  end(what: string): void {
    this.#writing.hidden = true;
    this.#part.removeAttribute('aria-busy');
    this.say(what);
  }

  focus(): void {
    this.#heading.focus();
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
