// Tabs as WAI-ARIA describes them: one stop for the Tab key, arrows between them.

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
let lastId = 0;

// `fill` is called with the panel and the name of the view that it is to show.
export function wireTabs(root, first, fill) {
  const tabs = [...root.querySelectorAll("[role=tab]")];
  const panel = root.querySelector("[role=tabpanel]");
  panel.id = `panel-${++lastId}`;

  function choose(chosen) {
    for (const tab of tabs) {
      tab.ariaSelected = String(tab === chosen);
      tab.tabIndex = tab === chosen ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", chosen.id);
    fill(panel, chosen.dataset.view);
  }

  function move(event) {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const at = Math.min(Math.max(tabs.indexOf(event.target) + step, 0), tabs.length - 1);
    tabs[at].focus();
    choose(tabs[at]);
  }

  for (const tab of tabs) {
    tab.id = `${panel.id}-${tab.dataset.view}`;
    tab.setAttribute("aria-controls", panel.id);
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", move);
  }
  choose(tabs.find((tab) => tab.dataset.view === first));
}
