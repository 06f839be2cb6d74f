import type { ProposedPatch, Verdict } from './answers.js';
import { askJson } from './api.js';
import { make, makeButton } from './elements.js';
import { clearFailure, showFailure } from './failure.js';

/** What a verdict is about. */
export interface Judged {
  /** The answer's id. */
  readonly id: string;
  readonly patch: ProposedPatch;
  /** Position of the patch in the answer. */
  readonly index: number;
  /** The key of the inference API now. */
  readonly key: () => string;
}

const thanks: Record<Verdict, string> = {
  accepted: 'Kept: accepted.',
  rejected: 'Kept: rejected.',
  corrected: 'Kept: your correction.',
};

/** Accept, reject and correct one patch. A later verdict on the same answer takes the place of an earlier one. */
export function makeFeedback({ id, patch, index, key }: Judged): HTMLElement {
  const name = `patch ${index + 1}`;
  const said = make('p', { role: 'status' });
  const error = make('div', { class: 'error', role: 'alert', tabindex: '-1' });
  error.hidden = true;

  const judge = async (verdict: Verdict, more: object = {}): Promise<boolean> => {
    clearFailure(error);
    said.textContent = 'Sending…';
    try {
      const body = { verdict, patch: index, ...more };
      await askJson(`/v1/patches/${id}/feedback`, { method: 'POST', key: key(), body });
      said.textContent = thanks[verdict];
      return true;
    } catch (thrown) {
      said.textContent = '';
      showFailure(error, thrown);
      return false;
    }
  };

  const diff = make('textarea', { id: `diff-${index}`, rows: '12', spellcheck: 'false', wrap: 'off' });
  const comment = make('textarea', { id: `comment-${index}`, rows: '2', maxlength: '10000' });
  const send = make('button', { type: 'submit', class: 'primary' }, 'Send the correction');
  const form = make(
    'form',
    { 'aria-label': `Correct ${name}` },
    make('div', { class: 'field' }, make('label', { for: diff.id }, 'The diff that is right'), diff),
    make('div', { class: 'field' }, make('label', { for: comment.id }, 'Comment (may be empty)'), comment),
    make('div', { class: 'row' }, send),
  );
  form.hidden = true;

  const correct = makeButton('Correct…', () => {
    form.hidden = !form.hidden;
    correct.setAttribute('aria-expanded', String(!form.hidden));
    if (form.hidden) return;
    if (diff.value === '') diff.value = patch.diff;
    diff.focus();
  });
  correct.setAttribute('aria-expanded', 'false');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const more = { diff: diff.value, ...(comment.value !== '' && { comment: comment.value }) };
    void judge('corrected', more).then((isKept) => {
      if (!isKept) return;
      form.hidden = true;
      correct.setAttribute('aria-expanded', 'false');
      correct.focus();
    });
  });

  const verdicts = make(
    'div',
    { class: 'row', role: 'group', 'aria-label': `Verdict on ${name}` },
    makeButton('Accept', () => void judge('accepted')),
    makeButton('Reject', () => void judge('rejected')),
    correct,
  );
  return make('div', {}, verdicts, form, said, error);
}
