import type { Releases, StoredAgent } from './answers.js';
import { byId, make } from './elements.js';

/** The form that points a label to a pair. */
export interface PublishForm {
  /** Offers what is stored; what was chosen stays chosen while it is there. */
  offer(releases: Releases, agents: readonly StoredAgent[]): void;
  /** Calls back with the body of `POST /v1/releases`. */
  listen(publish: (body: object) => void): void;
}

export function mountPublishForm(): PublishForm {
  const form = byId('publish-form', HTMLFormElement);
  const analysis = byId('publish-analysis', HTMLSelectElement);
  const code = byId('publish-code', HTMLSelectElement);
  const label = byId('publish-label', HTMLSelectElement);
  const share = byId('publish-share', HTMLInputElement);
  const shareField = byId('publish-share-field', HTMLElement);
  let offered: Releases | undefined;

  label.addEventListener('change', () => {
    shareField.hidden = label.value !== 'canary';
  });

  const fill = (
    select: HTMLSelectElement,
    role: StoredAgent['agent'],
    served: string,
    agents: readonly StoredAgent[],
  ) => {
    const chosen = select.value;
    const options = agents
      .filter(({ agent }) => agent === role)
      .map(({ generation }) => {
        const text = `${generation.slice(0, 12)}${generation === served ? ' (stable now)' : ''}`;
        return make('option', { value: generation }, text);
      });
    select.replaceChildren(...options);
    select.value = options.some(({ value }) => value === chosen) ? chosen : served;
  };

  return {
    offer: (releases, agents) => {
      offered = releases;
      fill(analysis, 'issue-analysis', releases.stable.issue_analysis, agents);
      fill(code, 'code-generation', releases.stable.code_generation, agents);
    },
    listen: (publish) => {
      form.addEventListener('submit', (event) => {
        event.preventDefault();
        const isCanary = label.value === 'canary';
        publish({
          issue_analysis: analysis.value,
          code_generation: code.value,
          label: label.value,
          ...(isCanary && { weight: Number(share.value) / 100 }),
          // Compare-and-set: refused if somebody else was faster than what is shown here.
          expected_release: isCanary ? (offered?.canary?.release.id ?? null) : offered?.stable.id,
        });
      });
    },
  };
}
