// Which access points have the release, and who needs a person.
import { get } from './api.js';
import { bar, button, card, code, deviceLink, el, labelled, link, pairs, put, region, select, tag } from './dom.js';
import { fileOf, when } from './format.js';
import { pasteTables } from './inventory.js';
import { Listing } from './listing.js';
import { complain } from './notices.js';
import { numbers, plain, Table } from './table.js';
import { words } from './words.js';

const text = words.rollout,
  every = 5,
  page = 1000;
const kinds = {
  asked_in_vain: 'bad',
  broke_off: 'bad',
  stalled: 'warn',
  not_for_this_release: 'warn',
  never_seen: 'warn',
  fetched: 'good',
  reported: 'good',
};
const order = Object.keys(text.status);
const word = (status) => text.status[status] ?? status;
const kindOf = (status) => kinds[status] ?? 'plain';
const nameOf = (row) => row.name ?? row.address;
const has = (row) => kindOf(row.status) === 'good';
const choices = [['', words.all], ['open', text.open], ...order.map((status) => [status, word(status)])];

const columns = [
  {
    title: text.name,
    by: nameOf,
    text: (row) => `${nameOf(row)} ${row.address} ${row.model}`,
    nodes: (row) => [
      row.address ? link(`devices/${encodeURIComponent(row.address)}`, nameOf(row)) : nameOf(row),
      el('span', { class: 'under' }, [row.name && row.address, row.model].filter(Boolean).join(' ')),
    ],
  },
  plain(text.address, 'address', 't wide'),
  plain(text.model, 'model', 't wide'),
  plain(text.image, 'image', 't'),
  {
    title: text.state,
    first: true,
    by: (row) => order.indexOf(row.status),
    text: (row) => row.status,
    nodes: (row) => [tag(kindOf(row.status), word(row.status))],
  },
  {
    ...numbers(text.percent, 'percent', ''),
    nodes: (row) => (row.percent === null ? [] : [bar(row.percent, 100, `${row.image}, ${nameOf(row)}`)]),
  },
  numbers(text.tries, 'tries'),
  { title: text.last, class: 't far', down: true, by: (row) => row.last_at ?? '', text: (row) => when(row.last_at) },
  plain(text.method, 'method', 't wide'),
  { title: text.why, text: (row) => row.evidence },
];

const imageColumns = [
  plain(text.image, 'image', '', { first: true }),
  plain(text.for, 'models'),
  numbers(text.haveIt, 'have', 'n'),
  numbers(text.needIt, 'need', 'n'),
  {
    title: '',
    hidden: text.state,
    text: (row) => String(row.there),
    nodes: (row) => (row.there ? [] : [tag('warn', text.missing)]),
  },
];

class Rollout {
  query = { topics: 'ended,misses,imports' };

  constructor(main, app) {
    const { query } = app.place;
    this.release = query.get('release') ?? '';
    this.site = '';
    this.status = query.get('status') ?? '';
    this.releases = el('select', {
      'aria-label': text.release,
      onchange: (event) => {
        this.release = event.target.value;
        this.read();
      },
    });
    this.sites = el('select', {
      'aria-label': text.site,
      onchange: (event) => {
        this.site = event.target.value;
        this.read();
      },
    });
    this.summary = el('div');
    this.list = new Listing({
      caption: text.caption,
      columns,
      stack: true,
      hint: text.hint,
      key: (row) => row.address ?? row.name,
      kind: (row) => (has(row) ? '' : kindOf(row.status)),
      texts: (row) => [row.name, row.address, row.model, row.image],
      csv: ['name', 'address', 'model', 'site', 'image', 'status', 'percent', 'tries', 'last_at', 'method', 'evidence'],
      tools: [
        labelled(
          text.show,
          select(
            text.show,
            choices,
            (value) => {
              this.status = value;
              this.list.draw();
            },
            this.status,
          ),
        ),
      ],
      empty: () => (this.none ? [text.noRelease, ' ', link('releases', words.now.drop)] : [text.none]),
    });
    this.list.fits = (row) => !this.status || (this.status === 'open' ? !has(row) : row.status === this.status);
    this.images = new Table(text.images, imageColumns, {
      key: (row) => row.image,
      kind: (row) => (row.there ? '' : 'warn'),
    });
    this.imagesCard = region(text.images, this.images.element);
    main.append(
      card(
        el(
          'div',
          { class: 'tools' },
          labelled(text.release, this.releases),
          labelled(text.site, this.sites),
          el('span', { class: 'grow' }),
          app.admin && button(text.paste, () => pasteTables(() => this.read())),
        ),
        this.summary,
      ),
      this.list.element,
      this.imagesCard,
    );
    this.readReleases();
    this.reading = app.stream.every(every, () => this.read());
  }

  async readReleases() {
    const answer = await get('/releases').catch(complain);
    if (!answer) return;
    this.none = !answer.items.length;
    this.releases.replaceChildren(
      ...answer.items.map((each) =>
        el(
          'option',
          { value: each.path, selected: each.path === this.release || (!this.release && each.current) },
          each.current ? text.current(each.path) : each.path,
        ),
      ),
    );
  }

  async read() {
    const asked = { release: this.release, site: this.site, limit: page },
      rows = [];
    let answer = null;
    try {
      do {
        answer = await get('/rollout', { ...asked, after: answer?.next });
        rows.push(...answer.items);
      } while (answer.next !== null);
    } catch (error) {
      this.none = error.status === 404;
      if (!this.none) return complain(error);
      answer = { counts: {}, sites: [], images: [], total: 0 };
    }
    this.draw(answer, rows);
  }

  take() {
    this.reading.soon();
  }

  draw(answer, rows) {
    this.list.show(rows);
    this.drawSites(answer.sites);
    this.drawSummary(
      answer,
      rows.filter((row) => row.status === 'controller'),
    );
    const modelsOf = (image) =>
      [
        ...new Set(
          rows
            .filter((row) => row.image === image)
            .map((row) => row.model)
            .filter(Boolean),
        ),
      ]
        .sort()
        .join(', ');
    this.images.show(answer.images.map((each) => ({ ...each, models: modelsOf(each.image) })));
    this.imagesCard.hidden = !answer.images.length;
  }

  drawSites(sites) {
    this.sites.parentElement.hidden = !sites.length && !this.site;
    if (sites.join() === this.sitesSaying || this.site) return;
    this.sitesSaying = sites.join();
    this.sites.replaceChildren(
      ...[['', words.all], ...sites.map((each) => [each, each])].map(([value, name]) => el('option', { value }, name)),
    );
  }

  drawSummary({ counts, total, have, release }, controllers) {
    const saying = JSON.stringify([counts, total, release]);
    if (saying === this.saying) return;
    this.saying = saying;
    if (!total) return this.summary.replaceChildren();
    const line = (status, ...note) => [
      word(status),
      counts[status] ? [tag(kindOf(status), String(counts[status])), ' ', el('small', {}, ...note)] : null,
    ];
    const [before, command, after] = text.unseenNote;
    this.summary.replaceChildren(
      el('h2', {}, text.have(have, total, fileOf(release))),
      el('p', {}, bar(have, total, text.have(have, total, release))),
      pairs([
        [
          text.haveThem,
          [tag('good', String(have)), ' ', el('small', {}, text.evidence(counts.fetched, counts.reported))],
        ],
        line('downloading'),
        line('stalled'),
        line('asked_in_vain'),
        line('broke_off'),
        line('never_seen', before, code(command), after),
        line('not_for_this_release', text.modelNote),
        line('not_asked_yet'),
        [
          word('controller'),
          controllers.length
            ? [
                ...controllers.flatMap((each) => [deviceLink(each.address), ' ']),
                el('small', {}, text.relays, code(text.relaysTable)),
              ]
            : null,
        ],
      ]),
    );
  }

  close() {
    this.reading.stop();
  }
}

export const open = (main, app) => new Rollout(main, app);
