// Elements, made by hand. Texts go in as text nodes: nothing that a device has sent can become markup.

/**
 * @param {string} name
 * @param {Record<string, any>} [attributes] functions are listeners, `onclick`; true sets an attribute without a value
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {any}
 */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  element.append(
    ...children
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))),
  );
  return element;
}

// Writes only what differs, so that a selection stays.
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const signs = { good: '\u2713', warn: '!', bad: '\u2717', plain: '' };

/** A state, by sign, word and colour. @param {'good' | 'warn' | 'bad' | 'plain'} kind */
export const tag = (kind, text) => el('span', { class: `tag ${kind}` }, signs[kind] && `${signs[kind]} `, text);

export const code = (text) => el('code', {}, text);
export const muted = (text) => el('small', {}, text);
export const link = (place, text, attributes = {}) => el('a', { href: `#${place}`, ...attributes }, text);
export const deviceLink = (address) => link(`devices/${encodeURIComponent(address)}`, address);
export const button = (text, work, attributes = {}) =>
  el('button', { type: 'button', onclick: work, ...attributes }, text);

/** A bar with its figure. The name is for those who do not see it. */
export function bar(value, most, name) {
  const percent = most ? Math.floor((value / most) * 100) : 0;
  return el(
    'span',
    { class: 'bar' },
    el('progress', { max: most || 1, value, 'aria-label': name }),
    el('span', {}, ` ${percent} %`),
  );
}

export const card = (...children) => el('section', { class: 'card' }, ...children);

// A card that scrolls sideways can be reached by the keyboard, and only then.
export function region(name, ...children) {
  const section = el('section', { class: 'card', role: 'region', 'aria-label': name }, ...children);
  new ResizeObserver(() => {
    if (section.scrollWidth > section.clientWidth) section.tabIndex = 0;
    else section.removeAttribute('tabindex');
  }).observe(section);
  return section;
}

/** @param {[string, string][]} choices value and text */
export function select(name, choices, changed, value) {
  const options = choices.map(([each, text]) => el('option', { value: each, selected: each === value }, text));
  return el('select', { 'aria-label': name, onchange: (event) => changed(event.target.value) }, ...options);
}

export const labelled = (text, field) => el('label', {}, `${text} `, field);

export function filterField(name, hint, changed, value = '') {
  return el('input', {
    type: 'search',
    class: 'filter',
    placeholder: hint,
    'aria-label': name,
    value,
    oninput: (event) => changed(event.target.value),
  });
}

// Term and description, by pairs; those without a description are left out.
export const pairs = (list) =>
  el(
    'dl',
    { class: 'pairs' },
    ...list
      .filter(([, text]) => text !== null && text !== undefined && text !== '')
      .flatMap(([term, text]) => [el('dt', {}, term), el('dd', {}, ...[text].flat())]),
  );

export const facts = (list) =>
  el(
    'dl',
    { class: 'facts' },
    ...list.map(([term, ...texts]) => el('div', {}, el('dt', {}, term), el('dd', {}, ...texts))),
  );

export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el('a', { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
