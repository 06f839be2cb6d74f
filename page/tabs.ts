/**
 * Tabs as the ARIA practices describe them: one stop of the tab key, arrows move between them and choose at once. Calls `onShow`
 * with the id of each panel that is shown.
 */
export function mountTabs(list: HTMLElement, onShow: (panel: string) => void): void {
  const tabs = [...list.querySelectorAll<HTMLElement>('[role=tab]')];
  const select = (chosen: HTMLElement): void => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute('aria-controls') ?? '');
      if (panel) panel.hidden = !isChosen;
    }
    onShow(chosen.getAttribute('aria-controls') ?? '');
  };
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener('click', () => {
      select(tab);
    });
    tab.addEventListener('keydown', (event) => {
      const next = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: tabs.length - 1 }[event.key];
      const target = next === undefined ? undefined : tabs.at(next % tabs.length);
      if (!target) return;
      event.preventDefault();
      select(target);
      target.focus();
    });
  }
}
