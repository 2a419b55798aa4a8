// A table with what people do to one: filter it, see all of it, take it away as CSV.
import { button, download, el, filterField, put, region } from './dom.js';
import { Table } from './table.js';
import { words } from './words.js';

const usual = 100;
const quoted = (value) => {
  const text = String(value ?? '').replace(/^[=+@\t\r-]/, "'$&"); // a spreadsheet must not take it for a formula
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const csvOf = (members, rows) =>
  [members, ...rows.map((row) => members.map((member) => row[member]))]
    .map((line) => `${line.map(quoted).join(',')}\r\n`)
    .join('');

export class Listing {
  /**
   * @param {object} how
   * @param {string} how.caption
   * @param {object[]} how.columns Column of table.js
   * @param {(row: any) => string | number} how.key
   * @param {(row: any) => string} [how.kind] a row's class
   * @param {boolean} [how.stack]
   * @param {string} how.hint what can be filtered by
   * @param {(row: any) => any[]} how.texts in which the filter looks
   * @param {string} [how.wanted] what the filter holds at first
   * @param {Node[]} [how.tools]
   * @param {string[]} [how.csv] the members of a row that go into a CSV
   * @param {() => (Node | string)[]} how.empty
   */
  constructor(how) {
    this.how = how;
    this.rows = [];
    this.fits = () => true;
    this.most = usual;
    this.filter = filterField(`${words.filter}: ${how.caption}`, how.hint, () => this.draw(), how.wanted);
    this.count = el('span', { class: 'muted' });
    this.all = button(
      words.showAll,
      () => {
        this.most = Infinity;
        this.draw();
      },
      { hidden: true },
    );
    this.table = new Table(how.caption, how.columns, how);
    this.none = el('div', { class: 'empty' });
    this.tools = el(
      'div',
      { class: 'tools' },
      this.filter,
      ...(how.tools ?? []),
      this.count,
      this.all,
      how.csv && button(words.csv, () => download(`${how.caption}.csv`, 'text/csv', csvOf(how.csv, this.found))),
    );
    this.element = region(how.caption, this.tools, this.table.element, this.none);
  }

  show(rows) {
    this.rows = rows;
    this.draw();
  }

  draw() {
    const wanted = this.filter.value.trim().toLowerCase();
    this.found = this.rows.filter(
      (row) => this.fits(row) && (!wanted || this.how.texts(row).join(' ').toLowerCase().includes(wanted)),
    );
    this.table.show(this.found, this.most);
    this.table.element.hidden = !this.found.length;
    this.none.hidden = this.found.length > 0;
    this.filter.hidden = !this.rows.length;
    const empty = this.rows.length ? [words.nothingFound] : this.how.empty();
    const saying = empty.map((each) => each.textContent ?? each).join();
    if (saying !== this.saying) this.none.replaceChildren(...empty);
    this.saying = saying;
    put(this.count, this.rows.length ? words.shown(Math.min(this.found.length, this.most), this.rows.length) : '');
    this.all.hidden = this.found.length <= this.most;
  }
}
