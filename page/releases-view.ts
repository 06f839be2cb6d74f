import type { Label, Releases, Settings, StoredAgent } from './answers.js';
import { ask, askJson, type Sent } from './api.js';
import { byId, make } from './elements.js';
import { eventsOf } from './event-reader.js';
import { clearFailure, showFailure } from './failure.js';
import { mountPublishForm } from './publish-form.js';
import { showAgents, showHistory, showLabels } from './release-tables.js';

/** The admin's part: what is served, changing it, and seeing it change. The key stays in this function's memory. */
export function mountReleases(settings: Settings): void {
  const form = byId('admin-form', HTMLFormElement);
  const elsewhere = byId('admin-elsewhere', HTMLElement);
  if (settings.admin_api !== 'here') {
    elsewhere.replaceChildren(...(settings.admin_api === 'off' ? off() : otherPort()));
    elsewhere.hidden = false;
    return;
  }
  form.hidden = false;
  const status = byId('admin-status', HTMLElement);
  const error = byId('admin-error', HTMLElement);
  const keyField = byId('admin-key', HTMLInputElement);
  const buttons = {
    rollback: byId('rollback', HTMLButtonElement),
    promote: byId('promote', HTMLButtonElement),
    dropCanary: byId('drop-canary', HTMLButtonElement),
  };
  const publishForm = mountPublishForm();
  let shown: Releases | undefined;
  let watching = new AbortController();

  const askAdmin = <T>(path: string, sent: Sent = {}): Promise<T> =>
    askJson<T>(path, { key: keyField.value.trim(), ...sent });

  const refresh = async (): Promise<void> => {
    const [releases, { agents }] = await Promise.all([
      askAdmin<Releases>('/v1/releases'),
      askAdmin<{ agents: readonly StoredAgent[] }>('/v1/agents'),
    ]);
    shown = releases;
    byId('admin', HTMLElement).hidden = false;
    showLabels(releases);
    showHistory(releases);
    showAgents(agents);
    publishForm.offer(releases, agents);
    buttons.rollback.disabled = releases.previous.length === 0;
    buttons.promote.disabled = buttons.dropCanary.disabled = releases.canary === null;
  };

  /** Does something and tells how it went; what is shown is read anew in both cases. */
  const change = async (doing: string, done: string, act: () => Promise<unknown>): Promise<void> => {
    clearFailure(error);
    status.textContent = doing;
    try {
      await act();
      await refresh();
      status.textContent = done;
    } catch (thrown) {
      status.textContent = '';
      showFailure(error, thrown);
      if (shown) await refresh().catch(() => undefined);
    }
  };

  /** Changes made elsewhere appear, too, until another key is used or the page is left. */
  const watch = async (): Promise<void> => {
    watching.abort();
    watching = new AbortController();
    const events = eventsOf(await ask('/v1/agents/events', { key: keyField.value.trim(), signal: watching.signal }));
    while (!(await events.next()).done) await refresh();
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void change('Reading…', 'These are the releases now.', refresh).then(() => {
      // When it breaks, what is shown is that of the last change made here.
      if (shown) void watch().catch(() => undefined);
    });
  });

  const post = (path: string, body: unknown): Promise<unknown> => askAdmin(path, { method: 'POST', body });
  const rollback = (label: Label, id: string | undefined): Promise<unknown> =>
    post('/v1/releases/rollback', { label, expected_release: id });
  buttons.rollback.addEventListener('click', () => {
    void change('Rolling back…', 'Stable is the release before again.', () => rollback('stable', shown?.stable.id));
  });
  buttons.dropCanary.addEventListener('click', () => {
    void change('Taking away…', 'There is no canary any more.', () => rollback('canary', shown?.canary?.release.id));
  });
  buttons.promote.addEventListener('click', () => {
    const body = { expected_release: shown?.canary?.release.id };
    void change('Promoting…', 'The canary is stable now.', () => post('/v1/releases/promote', body));
  });
  publishForm.listen((body) => {
    void change('Publishing…', 'Published: the next request gets it.', () => post('/v1/releases', body));
  });

  const agentFile = byId('agent-file', HTMLInputElement);
  byId('upload-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const [file] = agentFile.files ?? [];
    if (!file) {
      status.textContent = 'Choose an agent file first.';
      agentFile.focus();
      return;
    }
    void change('Checking…', `Stored: ${file.name}. Publish it below.`, () => post('/v1/agents', file));
  });
}

function off(): (Node | string)[] {
  return ['Agents cannot be managed: the server was started without ', make('code', {}, 'ADMIN_API_KEY'), '.'];
}

function otherPort(): (Node | string)[] {
  const command = make('code', {}, 'npx agentic-seq2seq agents');
  const variable = make('code', {}, 'ADMIN_PORT');
  return [
    'The admin API listens on another port (',
    variable,
    '), which this page cannot reach. Manage agents with ',
    command,
    ' on a machine that can.',
  ];
}
