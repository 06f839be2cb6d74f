import { adviceFor } from './advice.js';
import { ApiError } from './api.js';
import { make } from './elements.js';

/**
 * Shows a failure in its box, which is an alert: code, message, each place at fault and what to do. The box gets the focus
 * unless something better has it.
 */
export function showFailure(box: HTMLElement, thrown: unknown, focus: 'box' | 'stay' = 'box'): void {
  // Anything else is a fault of the page itself.
  const error = thrown instanceof ApiError ? thrown : new ApiError('page_failed', 0, String(thrown));
  const status = error.status > 0 ? ` (${error.status})` : '';
  const places = error.details.map(({ path, message }) => make('li', {}, `${path} ${message}`.trim()));
  box.replaceChildren(
    make('p', {}, make('strong', {}, `${error.code}${status}`), `: ${error.message}`),
    ...(places.length > 0 ? [make('ul', {}, ...places)] : []),
    make('p', {}, adviceFor(error)),
  );
  box.hidden = false;
  if (focus === 'box') box.focus();
}

/** Takes the failure away again. */
export function clearFailure(box: HTMLElement): void {
  box.hidden = true;
  box.replaceChildren();
}
