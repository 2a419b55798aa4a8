// A table whose rows are kept by key. An update touches only the cells whose text has changed, so that what a person
// has selected or focused stays so.
import { button, el } from './dom.js';

/** A column that shows a member as it is. @returns {Column} */
export const plain = (title, member, css, more = {}) => ({
  title,
  class: css,
  by: (row) => row[member] ?? '',
  text: (row) => String(row[member] ?? ''),
  ...more,
});

// A number: the largest first.
export const numbers = (title, member, css = 'n far') =>
  plain(title, member, css, { down: true, by: (row) => row[member] ?? 0 });

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: any) => string} text what the cell says: when it changes, the cell is drawn again
 * @property {(row: any) => (Node | string)[]} [nodes] how it is drawn, where that is more than its text
 * @property {(row: any) => {nodes: Node[], update: Function}} [make]
 *   for cells that change every second
 * @property {(row: any) => string | number} [by] what it is sorted by
 * @property {boolean} [first] sorted by this column until somebody chooses another
 * @property {boolean} [down] the largest first
 * @property {string} [class] n: a number, t: do not wrap, wide: not on a phone, far: on a large screen only
 */
export class Table {
  /**
   * @param {string} caption
   * @param {Column[]} columns
   * @param {{key: (row: any) => string | number, kind?: (row: any) => string, stack?: boolean}} how
   *   `kind` is a row's class;
   *   `stack`: on a phone the cells of a row stand one below the other
   */
  constructor(caption, columns, how) {
    this.columns = columns.map((column) => ({ ...column }));
    this.how = how;
    this.rows = new Map();
    this.order = this.columns.find((column) => column.first);
    this.down = this.order?.down ?? false;
    // The roles keep it a table for whoever listens, when the style sheet makes its rows blocks.
    this.head = el('tr', { role: 'row' }, ...this.columns.map((column) => this.#heading(column)));
    this.body = el('tbody', { role: 'rowgroup' });
    this.element = el(
      'table',
      { role: 'table', class: how.stack ? 'stack' : '' },
      el('caption', {}, caption),
      el('thead', { role: 'rowgroup' }, this.head),
      this.body,
    );
  }

  #heading(column) {
    const title = column.by
      ? button(column.title, () => {
          this.down = this.order === column ? !this.down : (column.down ?? false);
          this.order = column;
          this.show(this.shown ?? [], this.most);
        })
      : column.title || el('span', { class: 'unseen' }, column.hidden ?? '');
    return (column.th = el('th', { scope: 'col', role: 'columnheader', class: column.class }, title));
  }

  /** @param {any[]} rows @param {number} [most] the first so many, in the order that was chosen */
  show(rows, most = Infinity) {
    this.shown = rows;
    this.most = most;
    const wanted = this.#sorted(rows).slice(0, most);
    const keys = new Set(wanted.map(this.how.key));
    for (const [key, row] of this.rows)
      if (!keys.has(key)) {
        row.tr.remove();
        this.rows.delete(key);
      }
    let before = this.body.firstChild;
    for (const data of wanted) {
      const key = this.how.key(data);
      let row = this.rows.get(key);
      if (!row) this.rows.set(key, (row = this.#make(data)));
      this.#update(row, data);
      if (row.tr === before) before = before.nextSibling;
      else this.body.insertBefore(row.tr, before);
    }
  }

  #sorted(rows) {
    for (const { th } of this.columns) th.removeAttribute('aria-sort');
    if (!this.order) return rows;
    this.order.th.ariaSort = this.down ? 'descending' : 'ascending';
    const sign = this.down ? -1 : 1,
      by = this.order.by;
    const compare = (x, y) => (x < y ? -sign : x > y ? sign : 0);
    return rows
      .map((row) => [by(row), row])
      .sort(([x], [y]) => compare(x, y))
      .map(([, row]) => row);
  }

  #make(data) {
    const tr = el('tr', { role: 'row', tabindex: -1 });
    const cells = this.columns.map((column) => {
      const td = el('td', { role: 'cell', class: column.class, 'data-title': column.title });
      tr.append(td);
      if (column.make) {
        const { nodes, update } = column.make(data);
        td.append(...nodes);
        return update;
      }
      if (column.nodes) return (text, row) => td.replaceChildren(...column.nodes(row));
      const node = td.appendChild(document.createTextNode(''));
      return (text) => {
        node.data = text;
      };
    });
    return { tr, cells, texts: [] };
  }

  #update(row, data) {
    this.columns.forEach((column, i) => {
      const text = column.text(data);
      if (row.texts[i] !== text) row.cells[i]((row.texts[i] = text), data);
    });
    const kind = this.how.kind?.(data) ?? '';
    if (row.tr.className !== kind) row.tr.className = kind;
  }
}

// The main text, and under it what has no column of its own on a phone.
export function twoLines() {
  const nodes = [el('span', {}, ''), el('span', { class: 'under' }, '')];
  return {
    nodes,
    update: (text) =>
      text.split('\n').forEach((line, i) => {
        nodes[i].textContent = line;
      }),
  };
}

/** The same, where the first line leads to a device's page. */
export function deviceLines(row, address) {
  const link = el('a', { href: `#devices/${encodeURIComponent(address(row))}` });
  const under = el('span', { class: 'under' });
  return {
    nodes: [link, under],
    update: (text) => {
      [link.textContent, under.textContent] = text.split('\n');
    },
  };
}
