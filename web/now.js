// What runs, what has just ended, and what needs a person.
import { get, send } from './api.js';
import { button, card, deviceLink, el, facts, link, muted, pairs, region } from './dom.js';
import { bytes, clock, exact, fileOf, rate, span, when } from './format.js';
import { Listing } from './listing.js';
import { complain, fixLine, notice, say } from './notices.js';
import { outcomeNodes, outcomeText, rowKind } from './outcome.js';
import { deviceLines, Table, twoLines } from './table.js';
import { isStalled, left, Transfers } from './transfers.js';
import { words } from './words.js';

const mostVerdicts = 3;
const signs = { fails: '\u2717', look: '!', ok: '\u2713' },
  kinds = { fails: 'bad', look: 'warn', ok: 'good' };
const text = words.transfers;
const protocolOf = (row) =>
  [row.protocol, row.user, row.direction === 'write' && text.upload].filter(Boolean).join(' ');
const done = (row) => (row.size ? row.bytes / row.size : 0);
const states = { stalled: (row) => `${text.stalled} ${span(row.stalled)}`, waiting: () => text.waiting };
const rateOf = (row) => states[row.state]?.(row) ?? rate(row.rate);
const movedOf = (row) => (row.size === null ? bytes(row.bytes) : text.of(bytes(row.bytes), bytes(row.size)));

function progressCell(row) {
  const gauge = el('progress', {
    max: row.size || 1,
    value: row.bytes,
    'aria-label': `${fileOf(row.path)}, ${row.client}`,
    hidden: row.size === null,
  });
  const figure = el('span', {});
  return {
    nodes: [gauge, figure],
    update: (shown, data) => {
      gauge.value = data.bytes;
      figure.textContent = ` ${shown}`;
    },
  };
}

async function stop(row) {
  const file = fileOf(row.path);
  if (!confirm(text.sure(file, row.client))) return;
  await send('DELETE', `/transfers/${row.id}`).then(() => notice('good', text.stopped(file, row.client)), complain);
}

const columns = (admin) => [
  {
    title: text.progress,
    first: true,
    class: 'bar',
    by: (row) => (isStalled(row) ? -1 : done(row)),
    make: progressCell,
    text: (row) => (row.size === null ? bytes(row.bytes) : `${Math.floor(done(row) * 100)} %`),
  },
  {
    title: text.client,
    class: 't',
    by: (row) => row.client,
    make: (row) => deviceLines(row, (each) => each.client),
    text: (row) => `${row.client}\n${row.name ?? protocolOf(row)}`,
  },
  {
    title: text.file,
    by: (row) => fileOf(row.path),
    make: twoLines,
    text: (row) => `${fileOf(row.path)}\n${rateOf(row)}`,
  },
  { title: text.name, class: 'wide', by: (row) => row.name ?? '', text: (row) => row.name ?? '' },
  { title: text.protocol, class: 't wide', by: protocolOf, text: protocolOf },
  { title: text.rate, class: 'n wide', down: true, by: (row) => (isStalled(row) ? 0 : (row.rate ?? 0)), text: rateOf },
  { title: text.left, class: 'n', by: left, text: (row) => span(left(row)) },
  { title: text.moved, class: 'n far', down: true, by: (row) => row.bytes, text: movedOf },
  {
    title: text.options,
    class: 't far',
    by: (row) => row.block_size ?? 0,
    text: (row) => (row.block_size ? `${row.block_size} x ${row.window}` : ''),
  },
  {
    title: text.resent,
    class: 'n far',
    down: true,
    by: (row) => row.resent ?? 0,
    text: (row) => (row.resent ? exact(row.resent) : ''),
  },
  { title: text.started, class: 't far', by: (row) => row.started_at, text: (row) => clock(row.started_at) },
  ...(admin
    ? [
        {
          title: '',
          hidden: text.actions,
          class: 'far',
          text: () => text.stop,
          nodes: (row) => [
            button(text.stop, () => stop(row), {
              class: 'danger',
              'aria-label': text.stopNamed(fileOf(row.path), row.client),
            }),
          ],
        },
      ]
    : []),
];

const endedColumns = [
  { title: words.now.when, class: 't', text: (row) => clock(row.at) },
  {
    title: text.client,
    text: (row) => row.client,
    nodes: (row) =>
      [deviceLink(row.client), row.name && el('span', { class: 'muted wide' }, ` ${row.name}`)].filter(Boolean),
  },
  { title: text.file, text: (row) => fileOf(row.path) },
  { title: words.now.outcome, text: outcomeText, nodes: outcomeNodes },
  { title: words.now.took, class: 'n wide', text: (row) => span(row.seconds) },
];

function verdictCard(verdict) {
  const kind = kinds[verdict.state] ?? 'warn';
  return el(
    'section',
    { class: `card verdict ${kind}` },
    el('span', { class: `sign ${kind}`, 'aria-hidden': 'true' }, signs[verdict.state] ?? '!'),
    el('div', {}, el('h2', {}, verdict.text), verdict.detail && el('p', {}, verdict.detail), fixLine(verdict.fix)),
    verdict.link &&
      verdict.link !== 'now' &&
      link(verdict.link, words.now.details, { class: 'act', 'aria-label': `${words.now.details}: ${verdict.text}` }),
  );
}

// Of the files that are open over SSH, by connection.
function sessionPairs(rows, count) {
  const open = new Map();
  for (const row of rows.filter((each) => each.user)) open.set(row.number, [...(open.get(row.number) ?? []), row]);
  const list = [...open].map(([number, files]) => [
    files[0].client,
    [
      `${files[0].user}, ${files[0].protocol}, ${words.now.openFiles(files.length)} `,
      link(`log?q=${encodeURIComponent(`[${number}]`)}`, `[${number}]`),
    ],
  ]);
  const idle = Math.max(0, count - open.size);
  return [
    pairs(list),
    idle > 0 && el('p', {}, words.now.idleSessions(idle)),
    !count && !open.size && el('p', { class: 'muted' }, words.now.noSessions),
  ];
}

class Now {
  query = { topics: 'transfers,ended,misses' };

  constructor(main, app) {
    this.app = app;
    this.transfers = new Transfers();
    this.verdicts = el('div', { class: 'verdicts' });
    this.figures = el('div');
    this.list = new Listing({
      caption: text.caption,
      columns: columns(app.admin),
      hint: text.hint,
      key: (row) => row.id,
      kind: (row) => (isStalled(row) ? 'warn' : ''),
      texts: (row) => [row.client, row.name, row.path, protocolOf(row)],
      empty: () => this.idleNodes(),
    });
    this.ended = new Table(words.now.ended, endedColumns, {
      key: (row) => `${row.protocol} ${row.number} ${row.at} ${row.path}`,
      kind: rowKind,
      stack: true,
    });
    this.noneEnded = el('p', { class: 'empty' }, words.now.nothingEnded);
    this.sessions = el('div');
    main.append(
      this.verdicts,
      this.figures,
      this.list.element,
      el(
        'div',
        { class: 'split' },
        region(words.now.ended, this.ended.element, this.noneEnded),
        card(el('h2', {}, words.now.sessions), this.sessions),
      ),
    );
    this.aging = app.stream.every(10, () => this.drawEnded());
    this.firstSteps = el('div');
    this.refreshed();
  }

  take(kind, data) {
    if (kind === 'transfers') this.transfers.take(data);
    if (kind === 'stalled') this.transfers.stall(data.id, data.since);
    if (kind === 'transfers' || kind === 'stalled') this.draw();
    if (kind === 'ended') this.drawEnded();
  }

  refreshed() {
    const { status } = this.app;
    const verdicts = status?.verdict ?? [],
      shown = verdicts.slice(0, mostVerdicts);
    const saying = JSON.stringify(verdicts);
    if (saying !== this.saying) {
      this.saying = saying;
      this.verdicts.replaceChildren(
        ...shown.map(verdictCard),
        ...(verdicts.length > shown.length
          ? [el('p', {}, link('health', words.now.moreVerdicts(verdicts.length - shown.length)))]
          : []),
      );
    }
    this.draw();
    this.drawEnded();
  }

  draw() {
    const now = Date.now(),
      rows = [...this.transfers.rows.values()];
    for (const row of rows.filter(isStalled)) row.stalled = (now - (row.since ?? row.at - row.stalled_s * 1000)) / 1000;
    this.list.show(rows);
    this.drawFigures(rows);
  }

  drawFigures(rows) {
    const { status } = this.app,
      stalled = rows.filter(isStalled).length;
    const moving = rows.reduce((sum, row) => sum + (row.state === 'moving' ? (row.rate ?? 0) : 0), 0);
    const counts = status?.today ?? status?.since_start,
      rollout = status?.rollout;
    const list = [
      [
        text.caption,
        String(rows.length),
        stalled ? el('small', { class: 'warn-text' }, ` ! ${words.now.stalled(stalled)}`) : '',
      ],
      [text.rate, moving ? rate(moving) : '-'],
      [words.now.sessions, String(status?.sessions ?? '-')],
      ...(counts
        ? [
            [
              status.today ? words.now.today : words.now.sinceStart,
              exact(counts.whole),
              muted(` ${words.now.done(exact(counts.broke_off), counts.misses)}`),
            ],
          ]
        : []),
      ...(rollout?.release
        ? [[link('rollout', fileOf(rollout.release)), exact(rollout.have), muted(` ${words.now.of(rollout.of)}`)]]
        : []),
    ];
    const saying = list.map((each) => each.map((part) => part.textContent ?? part).join()).join();
    if (saying === this.figuresSaying) return;
    this.figuresSaying = saying;
    this.figures.replaceChildren(facts(list));
    say(words.said(rows.length, stalled, moving ? rate(moving) : '-'));
    const session = JSON.stringify([status?.sessions, rows.filter((row) => row.user).map((row) => row.id)]);
    if (session !== this.session)
      this.sessions.replaceChildren(...sessionPairs(rows, status?.sessions ?? 0).filter(Boolean));
    this.session = session;
  }

  idleNodes() {
    const [last] = this.app.ended;
    if (last)
      return [
        el(
          'p',
          {},
          words.now.idle,
          ' ',
          words.now.last(when(last.at), fileOf(last.path), last.client, outcomeText(last)),
        ),
      ];
    if (!this.asked && this.app.status) this.showFirstSteps().catch(complain);
    return [el('p', {}, words.now.idle), this.firstSteps];
  }

  // Nothing was fetched yet: what leads to the first request.
  async showFirstSteps() {
    this.asked = true;
    const { items } = await get('/releases');
    const release = items.find((each) => each.current) ?? items[0];
    if (!release) return this.firstSteps.append(words.now.noRelease, ' ', link('releases', words.now.drop));
    const { lines } = await get('/controller-lines', { release: release.path, mode: 'tftp' });
    this.firstSteps.append(words.now.first, fixLine(lines));
  }

  drawEnded() {
    const rows = this.app.recentlyEnded();
    this.ended.show(rows);
    this.ended.element.hidden = !rows.length;
    this.noneEnded.hidden = rows.length > 0;
  }

  close() {
    this.aging.stop();
  }
}

export const open = (main, app) => new Now(main, app);
