// Requests that got nothing: why, and what fixes it.
import { get, list } from './api.js';
import { card, deviceLink, el, labelled, link, put, region, select, tag } from './dom.js';
import { explainForm } from './explain.js';
import { when } from './format.js';
import { Listing } from './listing.js';
import { complain, fixLine } from './notices.js';
import { numbers, plain, Table } from './table.js';
import { words } from './words.js';

const text = words.misses;
const every = 30,
  mostClients = 5;
const spans = { hour: '1h', day: '24h', week: '7d', all: '' };
const importable = new Set(['FAMILY_MISSING', 'NO_SUCH_RELEASE']);

const clientNodes = (row) => [
  ...row.clients.slice(0, mostClients).flatMap(({ client }, i) => [i ? ', ' : '', deviceLink(client)]),
  row.clients_total > mostClients ? ` + ${row.clients_total - mostClients}` : '',
];

// The log's text has the fix at its end.
const whatOf = (row) => (row.text.endsWith(`; ${row.fix}`) ? row.text.slice(0, -row.fix.length - 2) : row.text);

function whatNodes(row, admin) {
  if (row.mended) return [row.text, el('p', { class: 'muted' }, row.mended)];
  const importing = admin && importable.has(row.cause) ? [' ', link('releases', text.importOne)] : [];
  return [whatOf(row), ...importing, fixLine(row.fix)];
}

const columns = (admin) => [
  { title: text.last, class: 't', first: true, down: true, by: (row) => row.last_at, text: (row) => when(row.last_at) },
  {
    title: text.cause,
    by: (row) => row.cause,
    text: (row) => `${row.cause} ${row.mended}`,
    nodes: (row) => (row.mended ? [tag('good', text.fixed), ` ${row.cause}`] : [tag('bad', row.cause)]),
  },
  plain(text.asked, 'asked', 'path'),
  {
    title: text.what,
    text: (row) => `${row.text} ${row.fix} ${row.mended}`,
    nodes: (row) => whatNodes(row, admin).filter(Boolean),
  },
  { title: text.clients, text: (row) => JSON.stringify(row.clients), nodes: clientNodes },
  numbers(text.times, 'times', 'n'),
];

const heardColumns = [
  { title: text.last, class: 't', text: (row) => when(row.at) },
  {
    title: text.from,
    class: 't',
    text: (row) => `${row.host} ${row.client}`,
    nodes: (row) => [
      deviceLink(row.client),
      row.host && row.host !== row.client ? el('span', { class: 'under' }, row.host) : '',
    ],
  },
  {
    title: text.what,
    text: (row) => `${row.text} ${row.fix}`,
    nodes: (row) => [row.text, fixLine(row.fix)].filter(Boolean),
  },
];

class Misses {
  query = { topics: 'misses,ended' };

  constructor(main, app) {
    const { query } = app.place;
    Object.assign(this, { app, cause: query.get('cause') ?? '', span: 'day' });
    const spanChoices = Object.keys(spans).map((each) => [each, text.spans[each]]);
    const ofSpan = (value) => {
      this.span = value;
      this.read();
    };
    const ofCause = (event) => {
      this.cause = event.target.value;
      this.list.draw();
    };
    this.causes = el('select', { 'aria-label': text.cause, onchange: ofCause });
    this.list = new Listing({
      caption: text.caption,
      columns: columns(app.admin),
      stack: true,
      hint: text.hint,
      wanted: query.get('q') ?? '',
      key: (row) => `${row.cause} ${row.protocol} ${row.folder} ${row.asked}`,
      kind: (row) => (row.mended ? '' : 'bad'),
      texts: (row) => row.clients.flatMap(({ client, asked }) => [client, asked]),
      csv: ['last_at', 'first_at', 'times', 'cause', 'protocol', 'asked', 'text', 'fix', 'mended', 'clients_total'],
      empty: () => [text.none],
      tools: [
        labelled(text.since, select(text.since, spanChoices, ofSpan, this.span)),
        labelled(text.cause, this.causes),
      ],
    });
    this.list.fits = (row) => !this.cause || row.cause === this.cause;
    this.without = el('p');
    this.heard = new Table(text.heard, heardColumns, {
      key: (row) => `${row.at} ${row.client} ${row.text}`,
      kind: () => 'warn',
      stack: true,
    });
    this.heard.element.hidden = true;
    this.silent = el('p');
    this.unheard = el('div', {}, el('h2', {}, text.heard), this.silent);
    main.append(
      this.list.element,
      el('section', { class: 'card' }, el('h2', {}, words.explain.title), explainForm()),
      region(text.heard, this.unheard, this.heard.element),
      card(el('h2', {}, text.without), this.without),
    );
    this.reading = app.stream.every(every, () => this.read());
    this.refreshed();
  }

  async read() {
    const rows = await list('/misses', { since: spans[this.span], limit: 100 }).catch(complain);
    if (!rows) return;
    this.list.show(rows);
    this.drawHeard((await get('/recent').catch(complain))?.heard);
    const causes = [...new Set([...rows.map((row) => row.cause), this.cause].filter(Boolean))].sort();
    if (causes.join() === this.causesSaying) return;
    this.causesSaying = causes.join();
    const choices = [['', words.all], ...causes.map((each) => [each, each])];
    this.causes.replaceChildren(
      ...choices.map(([value, name]) => el('option', { value, selected: value === this.cause }, name)),
    );
  }

  drawHeard(heard) {
    if (!heard) return;
    this.heard.show(heard);
    this.heard.element.hidden = !heard.length;
    this.unheard.hidden = heard.length > 0;
  }

  take() {
    this.reading.soon();
  }

  refreshed() {
    put(this.silent, this.app.status?.listen.syslog?.length ? text.nothingHeard : text.unheard);
    const unseen = this.app.status?.rollout?.never_seen ?? 0;
    put(this.without, text.withoutText(unseen));
    if (unseen) this.without.append(link('rollout?status=never_seen', text.neverSeen));
  }

  close() {
    this.reading.stop();
  }
}

export const open = (main, app) => new Misses(main, app);
