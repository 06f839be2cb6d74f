import type { ProposedPatch } from './answers.js';
import { makeDiff } from './diff-lines.js';
import { make, makeButton, percent } from './elements.js';

/** A patch with its diff, and copying and downloading. `number` counts from 1. */
export function makePatchCard(patch: ProposedPatch, number: number, title: string): HTMLElement {
  const heading = `${title} ${number}: ${patch.files.join(', ')}`;
  const said = make('span', { role: 'status' });
  const copy = makeButton('Copy', () => {
    copyText(patch.diff, diff).then(
      () => (said.textContent = 'Copied.'),
      () =>
        (said.textContent =
          'The browser does not let this page copy. The patch is selected: copy it with your keyboard.'),
    );
  });
  const link = make('a', { download: `patch-${number}.diff` });
  const save = makeButton('Download', () => {
    link.href = URL.createObjectURL(new Blob([patch.diff], { type: 'text/x-diff' }));
    link.click();
    URL.revokeObjectURL(link.href);
    said.textContent = `Saved as ${link.download}: git apply ${link.download}`;
  });
  const diff = makeDiff(patch.diff, `Diff of patch ${number}`);
  const reasons = patch.reasons.map(({ detail, weight }) =>
    make('li', {}, `${weight < 0 ? 'against' : 'for'}: ${detail} (${weight.toFixed(2)})`),
  );
  return make(
    'article',
    { class: 'patch' },
    make('h3', {}, heading),
    make('p', {}, `${statusText(patch.status)} Score ${percent(patch.score)}.`),
    diff,
    make('div', { class: 'row' }, copy, save, said),
    make('details', {}, make('summary', {}, 'Why this score'), make('ul', {}, ...reasons)),
  );
}

function statusText(status: ProposedPatch['status']): string {
  return status === 'applies'
    ? 'It applies to the files that you sent; whether it is right, only your tests can say.'
    : 'It applies, but the file would no longer parse.';
}

/** Copies a text. Where the browser refuses (pages without TLS), selects it in `shown` and rejects. */
async function copyText(text: string, shown: HTMLElement): Promise<void> {
  // Undefined, whatever its type says, where the page was not loaded by TLS or from this machine.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  try {
    if (!clipboard) throw new Error('no clipboard');
    await clipboard.writeText(text);
  } catch (error) {
    getSelection()?.selectAllChildren(shown);
    throw error;
  }
}
