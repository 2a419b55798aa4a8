// Single keys. They can be switched off, for whoever speaks to the browser (WCAG 2.1.4).
const places = {
  n: 'now',
  r: 'rollout',
  d: 'devices',
  e: 'releases',
  m: 'misses',
  h: 'history',
  l: 'log',
  x: 'health',
};
const goesWithin = 1500;
const isField = (element) => /^(INPUT|SELECT|TEXTAREA)$/.test(element?.tagName ?? '');
const main = () => document.getElementById('main');

function leave() {
  const here = document.activeElement;
  if (here?.matches('input[type=search]') && here.value) {
    here.value = '';
    here.dispatchEvent(new Event('input', { bubbles: true }));
  } else if (here?.closest('tr') || isField(here)) {
    here.blur();
  }
}

function moveRow(step) {
  const rows = [...main().querySelectorAll('tbody tr')];
  const at = rows.indexOf(document.activeElement?.closest('tr'));
  rows[Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
}

// Of the row that is chosen, else the first on the screen.
const inRow = (selector) => (document.activeElement?.closest('tr') ?? main()).querySelector(selector);

/** @param {{go: (place: string) => void, pause: () => void, help: () => void, on: () => boolean}} acts */
export function followKeys(acts) {
  let wentAt = 0;
  const single = {
    '/': () => main().querySelector('input[type=search]')?.focus(),
    p: acts.pause,
    '?': acts.help,
    j: () => moveRow(1),
    k: () => moveRow(-1),
    c: () => inRow('.copies')?.click(),
    g: () => {
      wentAt = Date.now();
    },
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape') return leave();
    if (event.key === 'Enter' && document.activeElement?.tagName === 'TR') return inRow('a, button')?.click();
    if (!acts.on() || isField(document.activeElement)) return;
    const place = Date.now() - wentAt < goesWithin && places[event.key];
    wentAt = 0;
    const act = place ? () => acts.go(place) : single[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
