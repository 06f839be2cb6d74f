/** Making and finding elements. Text goes in as text only: nothing here can become markup. */

/** The element of this id, which index.html has. Throws when it is missing or of another kind. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} #${id}`);
  return found;
}

/** A new element with attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A button that does something. */
export function makeButton(text: string, act: () => void): HTMLButtonElement {
  const button = make('button', { type: 'button' }, text);
  button.addEventListener('click', act);
  return button;
}

/** A list of names and what they stand for; those without a text are left out. */
export function makeFacts(facts: readonly (readonly [name: string, value: Node | string])[]): HTMLDListElement {
  const rows = facts
    .filter(([, value]) => value !== '')
    .flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]);
  return make('dl', {}, ...rows);
}

/** A number of 0 to 1 as a percentage. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
