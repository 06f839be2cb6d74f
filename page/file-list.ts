import type { Settings } from './answers.js';
import { byId, make, makeButton } from './elements.js';
import { dropped, picked, textOf, type FoundFile } from './found-files.js';

/** The files to send: dropped, picked, listed, removed. */
export class FileList {
  readonly #contents = new Map<string, string>();
  readonly #list = byId('files', HTMLUListElement);
  readonly #status = byId('files-status', HTMLElement);
  readonly #clear = byId('clear-files', HTMLButtonElement);
  readonly #zone = byId('drop-zone', HTMLElement);
  readonly #limits: Settings['limits'];

  constructor(limits: Settings['limits']) {
    this.#limits = limits;
    for (const id of ['pick-files', 'pick-folder']) {
      const input = byId(id, HTMLInputElement);
      input.addEventListener('change', () => {
        void this.#add(picked(input));
        // The same choice again is a change again.
        input.value = '';
      });
    }
    this.#clear.addEventListener('click', () => {
      this.#contents.clear();
      this.#show('All files removed.');
      byId('pick-files', HTMLInputElement).focus();
    });
    this.#listenForDrops();
  }

  /** As the API wants them. */
  get files(): { path: string; content: string }[] {
    return [...this.#contents].map(([path, content]) => ({ path, content }));
  }

  /** A drop beside the zone would make the browser leave the page, so the whole page takes it. */
  #listenForDrops(): void {
    const over = (isOver: boolean): void => {
      this.#zone.classList.toggle('over', isOver);
    };
    document.addEventListener('dragover', (event) => {
      event.preventDefault();
      over(true);
    });
    document.addEventListener('dragleave', () => {
      over(false);
    });
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      over(false);
      if (event.dataTransfer) void dropped(event.dataTransfer).then((found) => this.#add(found));
    });
  }

  /** A path that is there already gets the new content. */
  async #add(found: readonly FoundFile[]): Promise<void> {
    const skipped: string[] = [];
    let added = 0;
    for (const one of found) {
      const read = await textOf(one, this.#limits.max_file_bytes);
      if ('fault' in read) skipped.push(`${one.path} (${read.fault})`);
      else {
        this.#contents.set(one.path, read.text);
        added += 1;
      }
    }
    const left =
      skipped.length > 3 ? `${skipped.slice(0, 3).join(', ')} and ${skipped.length - 3} more` : skipped.join(', ');
    this.#show(`${count(added)} added.${left === '' ? '' : ` Left out: ${left}.`}`);
  }

  #show(what: string): void {
    const { max_files: most } = this.#limits;
    const total = this.#contents.size;
    const tooMany = total > most ? ` This server takes ${most}: remove what the issue is not about.` : '';
    this.#status.textContent = `${what} ${count(total)} to send.${tooMany}`;
    this.#clear.hidden = total === 0;
    this.#list.replaceChildren(...[...this.#contents.keys()].map((path) => this.#row(path)));
  }

  #row(path: string): HTMLElement {
    const remove = makeButton('Remove', () => {
      const index = [...this.#contents.keys()].indexOf(path);
      this.#contents.delete(path);
      this.#show(`${path} removed.`);
      // The focus goes on to what stands in the removed button's place.
      const buttons = this.#list.querySelectorAll('button');
      (buttons[Math.min(index, buttons.length - 1)] ?? byId('pick-files', HTMLInputElement)).focus();
    });
    remove.setAttribute('aria-label', `Remove ${path}`);
    return make('li', {}, make('span', {}, path), remove);
  }
}

function count(files: number): string {
  return files === 1 ? '1 file' : `${files} files`;
}
