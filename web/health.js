// What doctor finds, what fixes it, and how the server itself is.
import { get, send } from './api.js';
import { button, card, code, el, facts, muted, pairs, put, region, tag } from './dom.js';
import { age, bytes, clock, moment } from './format.js';
import { complain, copy, fixLine } from './notices.js';
import { Table } from './table.js';
import { words } from './words.js';

const text = words.health,
  every = 60;
const kinds = { fails: 'bad', look: 'warn', unknown: 'warn', ok: 'good' },
  order = Object.keys(kinds);
const sign = { bad: '\u2717', warn: '!', good: '\u2713' };

// One row for each finding; the worst first.
function rowsOf(checks) {
  const rows = checks.flatMap((check) =>
    (check.findings.length ? check.findings : [{ result: check.result, found: '', fix: '' }]).map((finding, i) => ({
      ...finding,
      key: `${check.id} ${i}`,
      title: check.title,
      id: check.id,
    })),
  );
  return rows.sort((a, b) => order.indexOf(a.result) - order.indexOf(b.result));
}

const columns = [
  {
    title: text.state,
    class: 't',
    text: (row) => row.result,
    nodes: (row) => [tag(kinds[row.result] ?? 'plain', text.states[row.result] ?? row.result)],
  },
  { title: text.check, text: (row) => row.title },
  {
    title: text.found,
    text: (row) => `${row.found} ${row.fix}`,
    nodes: (row) => [row.found, fixLine(row.fix)].filter(Boolean),
  },
];

class Health {
  query = { topics: 'health' };

  constructor(main, app) {
    this.app = app;
    this.checks = [];
    this.verdict = el('section', { class: 'card verdict' });
    this.sign = el('span', { 'aria-hidden': 'true' });
    this.head = el('h2');
    this.when = el('span');
    this.verdict.append(
      this.sign,
      el(
        'div',
        {},
        this.head,
        el('p', { role: 'status' }, this.when),
        el(
          'p',
          { class: 'tools' },
          app.admin && button(text.now, () => this.run()),
          button(text.copy, (event) => copy(this.asText(), event.currentTarget)),
        ),
      ),
    );
    this.table = new Table(text.caption, columns, {
      key: (row) => row.key,
      kind: (row) => (kinds[row.result] === 'good' ? '' : kinds[row.result]),
      stack: true,
    });
    this.figures = el('div');
    this.here = el('div');
    main.append(
      this.verdict,
      region(text.caption, this.table.element),
      this.figures,
      card(el('h2', {}, text.page), this.here),
    );
    this.reading = app.stream.every(every, () => this.read());
    this.readFingerprint();
    this.refreshed();
  }

  async read() {
    await get('/health').then((health) => this.show(health), complain);
  }

  async run() {
    put(this.when, text.running);
    await send('POST', '/health/run').then(() => this.read(), complain);
  }

  take(kind) {
    if (kind === 'health') this.reading.soon();
  }

  show(health) {
    this.health = health;
    this.checks = health.items;
    const count = (result) => this.checks.filter((check) => check.result === result).length;
    const fails = count('fails'),
      looks = count('look'),
      unseen = count('unknown');
    const kind = fails ? 'bad' : looks || unseen ? 'warn' : 'good';
    this.verdict.className = `card verdict ${kind}`;
    this.sign.className = `sign ${kind}`;
    put(this.sign, sign[kind]);
    put(
      this.head,
      !this.checks.length
        ? text.never
        : fails
          ? text.fails(fails, looks)
          : looks
            ? text.looks(looks)
            : unseen
              ? text.unseen(unseen)
              : text.well(this.checks.length),
    );
    put(this.when, health.running ? text.running : health.at ? text.checked(clock(health.at)) : '');
    this.table.show(rowsOf(this.checks));
    this.drawPage();
  }

  refreshed() {
    const { status } = this.app;
    if (!status) return;
    const seconds = (Date.parse(status.now) - Date.parse(status.started_at)) / 1000;
    const list = [
      [text.loop, text.ms(status.loop.longest_ms)],
      [text.up, age(seconds), muted(` ${text.since(moment(status.started_at), status.version)}`)],
      ...(status.disk ? [[text.disk, bytes(status.disk.free)]] : []),
    ];
    this.figures.replaceChildren(facts(list));
    this.drawPage();
  }

  // The certificate that the server made itself: people compare its fingerprint with what their browser shows.
  async readFingerprint() {
    const answer = await get('/web/fingerprint', {}, true).catch(() => null);
    this.fingerprint = answer?.fingerprint;
    this.drawPage();
  }

  drawPage() {
    const { status } = this.app;
    const served = Object.entries(status?.listen ?? {}).filter(([, all]) => all.length);
    const [before, command, after] = text.compare;
    this.here.replaceChildren(
      pairs([
        [text.served, served.map(([name, all]) => `${name} ${all.join(', ')}`).join('; ')],
        [text.depot, status?.depot && code(status.depot)],
        [text.fingerprint, this.fingerprint && [code(this.fingerprint), el('small', {}, before, code(command), after)]],
      ]),
      ...(this.checks.some((check) => check.result === 'unknown') ? [el('p', {}, text.asRoot, code(text.doctor))] : []),
    );
  }

  asText() {
    return rowsOf(this.checks)
      .map(
        (row) =>
          `${text.states[row.result] ?? row.result}\t${row.title}\t${row.found}${row.fix ? `\n\t${row.fix}` : ''}`,
      )
      .join('\n');
  }

  close() {
    this.reading.stop();
  }
}

export const open = (main, app) => new Health(main, app);
