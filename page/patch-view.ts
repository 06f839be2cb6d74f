import type { Analysis, Answer, ProposedPatch, Settings } from './answers.js';
import { ask, errorIn, isAbort, unreachable } from './api.js';
import { AnswerView } from './answer-view.js';
import { byId } from './elements.js';
import { eventsOf } from './event-reader.js';
import { clearFailure, showFailure } from './failure.js';
import { FileList } from './file-list.js';

/** The view that sends an issue with code and shows the answer as it is made. */
export function mountPatches(settings: Settings): void {
  const form = byId('patch-form', HTMLFormElement);
  const issue = byId('issue', HTMLTextAreaElement);
  const wanted = byId('wanted', HTMLInputElement);
  const untrusted = byId('untrusted', HTMLInputElement);
  const apiKey = byId('api-key', HTMLInputElement);
  const propose = byId('propose', HTMLButtonElement);
  const cancel = byId('cancel', HTMLButtonElement);
  const error = byId('patch-error', HTMLElement);
  const files = new FileList(settings.limits);
  const view = new AnswerView();
  let running: AbortController | undefined;

  byId('api-key-field', HTMLElement).hidden = !settings.api_key;
  wanted.max = String(settings.limits.max_patches);
  wanted.value = String(Math.min(3, settings.limits.max_patches));
  const key = (): string => apiKey.value.trim();

  /** Buttons stay in place, so that the focus never gets lost. */
  const setRunning = (controller: AbortController | undefined): void => {
    running = controller;
    propose.setAttribute('aria-disabled', String(controller !== undefined));
    const hadFocus = document.activeElement === cancel;
    cancel.hidden = controller === undefined;
    if (hadFocus && cancel.hidden) propose.focus();
  };

  const run = async (controller: AbortController): Promise<void> => {
    const request = { issue: issue.value, files: files.files, n: Number(wanted.value), stream: true };
    const body = untrusted.checked ? { ...request, min_score: 0 } : request;
    const { signal } = controller;
    const response = await ask('/v1/patches', { method: 'POST', body, key: key(), signal });
    for await (const { name, data } of eventsOf(response)) {
      switch (name) {
        case 'token': {
          const { stage, text } = data as { stage: string; text: string };
          view.write(stage, text);
          break;
        }
        case 'analysis':
          view.addAnalysis((data as { analysis: Analysis }).analysis);
          break;
        case 'candidate':
          view.addCandidate((data as { patch: ProposedPatch }).patch);
          break;
        case 'patch':
          view.finish(data as Answer, settings.feedback ? key : undefined);
          return;
        case 'error':
          // The status was sent before it failed.
          throw errorIn(data, 0);
      }
    }
    throw unreachable();
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (running) return;
    clearFailure(error);
    const controller = new AbortController();
    setRunning(controller);
    view.begin();
    run(controller)
      .then(() => {
        // Who went on typing meanwhile is left alone.
        if ([propose, cancel].includes(document.activeElement as HTMLButtonElement)) view.focus();
      })
      .catch((thrown: unknown) => {
        if (isAbort(thrown)) {
          view.end('Cancelled. Nothing is computed any more.');
          return;
        }
        view.end('No answer.');
        showFailure(error, thrown);
      })
      .finally(() => {
        setRunning(undefined);
      });
  });
  cancel.addEventListener('click', () => {
    running?.abort();
  });
}
