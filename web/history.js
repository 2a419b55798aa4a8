// What has ended: transfers, logins, and what administrators did.
import { get, getAs } from './api.js';
import { button, deviceLink, download, el, labelled, put, region, select, tag } from './dom.js';
import { exact, fileOf, fromInput, rate, span, when } from './format.js';
import { complain } from './notices.js';
import { outcomeNodes, outcomeText, rowKind } from './outcome.js';
import { plain, Table } from './table.js';
import { words } from './words.js';

const text = words.history,
  page = 100,
  mostPieces = 16;
const plainClient = {
  title: text.client,
  class: 't',
  text: (row) => row.client,
  nodes: (row) => [deviceLink(row.client)],
};

const columns = {
  transfers: [
    { title: text.ended, class: 't', text: (row) => when(row.ended_at) },
    plainClient,
    { title: text.file, class: 'path', text: (row) => fileOf(row.path) },
    { title: text.release, class: 't wide', text: (row) => row.path.slice(0, row.path.lastIndexOf('/')) },
    {
      title: text.outcome,
      text: (row) => `${outcomeText(row)} ${row.bytes}`,
      nodes: (row) => [...outcomeNodes(row), ` ${text.bytes(exact(row.bytes))}`],
    },
    { title: text.took, class: 'n wide', text: (row) => span(row.seconds) },
    { title: text.rate, class: 'n far', text: (row) => rate(row.seconds > 0 ? row.bytes / row.seconds : 0) },
    {
      title: text.protocol,
      class: 't far',
      text: (row) =>
        [row.protocol, row.user, row.direction === 'write' && words.transfers.upload].filter(Boolean).join(' '),
    },
  ],
  logins: [
    { title: text.at, class: 't', text: (row) => when(row.at) },
    plainClient,
    plain(text.user, 'user'),
    plain(text.method, 'method', 'wide'),
    {
      title: text.verdict,
      text: (row) => row.outcome,
      nodes: (row) => [tag(row.outcome === 'accepted' ? 'good' : 'bad', row.outcome.replaceAll('_', ' '))],
    },
    { title: text.times, class: 'n', text: (row) => String(row.count ?? 1) },
  ],
  acts: [
    { title: text.at, class: 't', text: (row) => when(row.at) },
    plain(text.who, 'who'),
    plain(text.act, 'act'),
    plain(text.subject, 'subject', 'path'),
    plain(text.verdict, 'outcome'),
  ],
};
const rowKinds = { transfers: rowKind, logins: (row) => (row.outcome === 'accepted' ? '' : 'bad'), acts: () => '' };

class History {
  query = { topics: 'ended' };

  constructor(main, app) {
    this.app = app;
    const { query } = app.place;
    this.kind = Object.hasOwn(columns, query.get('show')) ? query.get('show') : 'transfers';
    this.fields = {
      since: el('input', { type: 'datetime-local', 'aria-label': text.from }),
      until: el('input', { type: 'datetime-local', 'aria-label': text.to }),
      client: el('input', { size: 14, 'aria-label': text.client, value: query.get('client') ?? '' }),
      file: el('input', { size: 12, 'aria-label': text.file, value: query.get('file') ?? '' }),
      release: el('input', { size: 14, 'aria-label': text.release, value: query.get('release') ?? '' }),
      result: select(text.outcome, Object.entries(text.outcomes), () => this.read(), query.get('result') ?? ''),
    };
    const { fields } = this;
    const labels = {
      since: text.from,
      until: text.to,
      client: text.client,
      file: text.file,
      release: text.release,
      result: text.outcome,
    };
    this.labels = Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, labelled(labels[name], field)]),
    );
    const form = el(
      'form',
      { class: 'tools' },
      labelled(
        text.show,
        select(
          text.show,
          Object.entries(text.kinds),
          (kind) => {
            this.kind = kind;
            this.begin();
          },
          this.kind,
        ),
      ),
      ...Object.values(this.labels),
      el('button', { class: 'main' }, text.find),
      button(words.csv, () => this.save('text/csv', 'csv')),
      button(words.json, () => this.save('application/json', 'json')),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.read();
    });
    this.place = el('div');
    this.empty = el('p', { class: 'empty' });
    this.older = button(words.more, () => this.readOlder());
    main.append(region(words.screens.history, form, this.place, this.empty, el('p', {}, this.older)));
    this.begin();
  }

  begin() {
    const { kind } = this;
    const ofTransfers = kind === 'transfers';
    for (const name of ['file', 'release', 'result']) this.labels[name].hidden = !ofTransfers;
    this.labels.client.hidden = kind === 'acts';
    this.table = new Table(
      text.captions[kind],
      columns[kind].map((column) => ({ ...column, by: null })),
      { key: (row) => row.key, kind: rowKinds[kind], stack: true },
    );
    this.place.replaceChildren(this.table.element);
    this.read();
  }

  get asked() {
    const { since, until, client, file, release, result } = this.fields;
    const all = { since: fromInput(since.value), until: fromInput(until.value) };
    if (this.kind !== 'acts') all.client = client.value.trim();
    if (this.kind === 'transfers')
      Object.assign(all, { file: file.value.trim(), release: release.value.trim(), result: result.value });
    return all;
  }

  async read() {
    this.rows = [];
    this.next = null;
    await this.readOlder();
  }

  async readOlder() {
    let answer;
    try {
      answer = await get(`/history/${this.kind}`, { ...this.asked, limit: page, after: this.next ?? '' });
    } catch (error) {
      return complain(error);
    }
    for (const row of answer.items) this.rows.push({ ...row, key: this.rows.length });
    this.next = answer.next;
    this.draw();
  }

  draw() {
    this.table.show(this.rows);
    this.table.element.hidden = !this.rows.length;
    this.older.hidden = this.next === null || this.next === undefined;
    this.empty.hidden = this.rows.length > 0;
    put(this.empty, this.kind === 'transfers' ? text.nothing : text.empty);
  }

  async save(type, ending) {
    await this.whole(type).then((all) => download(`${this.kind}.${ending}`, type, all), complain);
  }

  /** A list in CSV comes in pieces; each begins with the names of its columns. @returns {Promise<string>} */
  async whole(type) {
    const limit = type === 'text/csv' ? 10_000 : 1000;
    const pieces = [];
    let after;
    do {
      const answer = await getAs(type, `/history/${this.kind}`, { ...this.asked, limit, after });
      const piece = await answer.text();
      pieces.push(pieces.length ? piece.slice(piece.indexOf('\n') + 1) : piece);
      after = answer.headers.get('Next');
    } while (after && pieces.length < mostPieces);
    return pieces.join('');
  }
}

export const open = (main, app) => new History(main, app);
