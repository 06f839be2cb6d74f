import type { Release, Releases, StoredAgent } from './answers.js';
import { byId, make, percent } from './elements.js';

/** What the labels point to. */
export function showLabels({ stable, canary }: Releases): void {
  const row = (label: string, share: number, { id, issue_analysis, code_generation }: Release): HTMLElement =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, label),
      make('td', {}, percent(share)),
      ...[id, issue_analysis, code_generation].map((hash) => make('td', {}, shortHash(hash))),
    );
  byId('labels', HTMLElement).replaceChildren(
    row('stable', 1 - (canary?.weight ?? 0), stable),
    ...(canary ? [row('canary', canary.weight, canary.release)] : []),
  );
}

/** The last changes, the latest first. */
export function showHistory({ history }: Releases): void {
  const rows = history
    .toReversed()
    .map(({ time, action, label, state, reason }) =>
      make(
        'tr',
        {},
        make('td', {}, make('time', { datetime: time }, new Date(time).toLocaleString())),
        make('td', {}, action.replaceAll('_', ' ')),
        make('td', {}, label),
        make('td', {}, shortHash(state.stable.id)),
        make('td', {}, reason ?? ''),
      ),
    );
  byId('history', HTMLElement).replaceChildren(...rows);
}

/** The stored agents. */
export function showAgents(agents: readonly StoredAgent[]): void {
  const rows = agents.map(({ agent, generation, parameters, resident }) =>
    make(
      'tr',
      {},
      make('td', {}, agent),
      make('td', {}, shortHash(generation)),
      make('td', {}, parameters.toLocaleString('en')),
      make('td', {}, resident ? 'yes' : 'no'),
    ),
  );
  byId('agents', HTMLElement).replaceChildren(...rows);
}

/** The beginning of a hash, enough to tell them apart; the whole as its title. */
function shortHash(hash: string): HTMLElement {
  return make('code', { title: hash }, hash.slice(0, 12));
}
