// Requests that got nothing: why, and what fixes it.
import { get, list } from './api.js';
import { card, deviceLink, el, labelled, link, put, select, tag } from './dom.js';
import { explainForm } from './explain.js';
import { when } from './format.js';
import { Listing } from './listing.js';
import { complain, fixLine } from './notices.js';
import { numbers, plain } from './table.js';
import { words } from './words.js';

const text = words.misses,
  every = 30,
  mostClients = 5,
  mostAsked = 50,
  page = 1000,
  answerHolds = 120_000;
const hours = { hour: 1, day: 24, week: 7 * 24, all: 0 };
const importable = new Set(['FAMILY_MISSING', 'NO_SUCH_RELEASE']);

// One row for each cause and name; the history has one for each device.
function folded(rows) {
  const kinds = new Map();
  for (const row of rows) {
    const key = `${row.cause} ${row.asked}`,
      kind = kinds.get(key) ?? { ...row, key, count: 0, clients: [] };
    kind.count += row.count;
    if (!kind.clients.includes(row.client)) kind.clients.push(row.client);
    if (row.last_at > kind.last_at) Object.assign(kind, { last_at: row.last_at, text: row.text });
    kinds.set(key, kind);
  }
  return [...kinds.values()];
}

const clientNodes = (clients) => [
  ...clients.slice(0, mostClients).flatMap((client, i) => [i ? ', ' : '', deviceLink(client)]),
  clients.length > mostClients ? ` + ${clients.length - mostClients}` : '',
];

const columns = (admin) => [
  { title: text.last, class: 't', first: true, down: true, by: (row) => row.last_at, text: (row) => when(row.last_at) },
  {
    title: text.cause,
    by: (row) => row.cause,
    text: (row) => `${row.cause} ${row.fixed}`,
    nodes: (row) => (row.fixed ? [tag('good', text.fixed), ` ${row.cause}`] : [tag('bad', row.cause)]),
  },
  plain(text.asked, 'asked', 'path'),
  {
    title: text.what,
    text: (row) => `${row.text} ${row.fix} ${row.fixed}`,
    nodes: (row) =>
      [
        row.text,
        admin && !row.fixed && importable.has(row.cause) && link('releases', text.importOne),
        row.fixed ? el('p', { class: 'muted' }, text.servedNow(row.fixed)) : fixLine(row.fix),
      ]
        .filter(Boolean)
        .flatMap((each, i) => (i ? [' ', each] : [each])),
  },
  { title: text.clients, text: (row) => row.clients.join(), nodes: (row) => clientNodes(row.clients) },
  numbers(text.times, 'count', 'n'),
];

class Misses {
  query = { topics: 'misses,ended' };

  constructor(main, app) {
    const { query } = app.place;
    Object.assign(this, { app, cause: query.get('cause') ?? '', span: 'day', known: new Map() });
    this.causes = el('select', {
      'aria-label': text.cause,
      onchange: (event) => {
        this.cause = event.target.value;
        this.list.draw();
      },
    });
    this.list = new Listing({
      caption: text.caption,
      columns: columns(app.admin),
      stack: true,
      hint: text.hint,
      wanted: query.get('q') ?? '',
      key: (row) => row.key,
      kind: (row) => (row.fixed ? '' : 'bad'),
      texts: (row) => [row.asked, ...row.clients],
      csv: ['last_at', 'first_at', 'count', 'cause', 'asked', 'text', 'fix', 'clients'],
      empty: () => [text.none],
      tools: [
        labelled(
          text.since,
          select(
            text.since,
            Object.keys(hours).map((each) => [each, text.spans[each]]),
            (value) => {
              this.span = value;
              this.read();
            },
            this.span,
          ),
        ),
        labelled(text.cause, this.causes),
      ],
    });
    this.list.fits = (row) => !this.cause || row.cause === this.cause;
    this.without = el('p');
    main.append(
      this.list.element,
      el('section', { class: 'card' }, el('h2', {}, words.explain.title), explainForm()),
      card(el('h2', {}, text.without), this.without),
    );
    this.reading = app.stream.every(every, () => this.read());
    this.refreshed();
  }

  async read() {
    const since = hours[this.span] ? new Date(Date.now() - hours[this.span] * 3_600_000).toISOString() : '';
    let rows;
    try {
      rows = folded(await list('/history/misses', { since, limit: page }));
    } catch (error) {
      return complain(error);
    }
    this.draw(rows);
    await this.askAgain(rows);
    this.draw(rows);
  }

  // Would the same request be served now? If not, the answer has what fixes it.
  async askAgain(rows) {
    for (const row of [...rows].sort((a, b) => (a.last_at < b.last_at ? 1 : -1)).slice(0, mostAsked)) {
      if (Date.now() - (this.known.get(row.key)?.asked_at ?? 0) < answerHolds) continue;
      const found = await get('/explain', {
        path: row.asked,
        protocol: row.protocol,
        client: row.clients[0],
        write: row.cause === 'WRITE_REFUSED' ? '1' : '',
      }).catch(() => null);
      if (found) this.known.set(row.key, { fixed: found.served, fix: found.fix, asked_at: Date.now() });
    }
  }

  take() {
    this.reading.soon();
  }

  draw(rows) {
    this.list.show(rows.map((row) => ({ ...row, ...this.known.get(row.key) })));
    const causes = [...new Set([...rows.map((row) => row.cause), this.cause].filter(Boolean))].sort();
    if (causes.join() === this.causesSaying) return;
    this.causesSaying = causes.join();
    this.causes.replaceChildren(
      ...[['', words.all], ...causes.map((each) => [each, each])].map(([value, name]) =>
        el('option', { value, selected: value === this.cause }, name),
      ),
    );
  }

  refreshed() {
    const unseen = this.app.status?.rollout?.never_seen ?? 0;
    put(this.without, text.withoutText(unseen));
    if (unseen) this.without.append(link('rollout?status=never_seen', text.neverSeen));
  }

  close() {
    this.reading.stop();
  }
}

export const open = (main, app) => new Misses(main, app);
