// One device: what it asked for, what its controller says, what a person said of it.
import { get, send } from './api.js';
import { bar, button, card, el, link, pairs, region, tag } from './dom.js';
import { exact, fileOf, moment, rate, when } from './format.js';
import { explainForm } from './explain.js';
import { complain, fixLine, notice } from './notices.js';
import { outcomeNodes, outcomeText, rowKind } from './outcome.js';
import { Table } from './table.js';
import { words } from './words.js';

const text = words.device,
  every = 5,
  notFound = 404;
const editable = ['name', 'model', 'site', 'kind'];

const columns = [
  { title: text.when, class: 't', text: (row) => (row.at ? when(row.at) : text.now) },
  { title: text.what, class: 'path', text: (row) => row.asked },
  { title: text.outcome, text: (row) => row.text, nodes: (row) => row.nodes() },
  { title: text.rate, class: 'n wide', text: (row) => rate(row.rate) },
];

const runningRow = (row) => ({
  asked: row.path,
  kind: row.stalled ? 'warn' : '',
  text: `${row.bytes} ${row.stalled}`,
  nodes: () => [
    row.stalled ? tag('warn', words.transfers.stalled) : tag('plain', text.downloads),
    ' ',
    row.size ? bar(row.bytes, row.size, fileOf(row.path)) : '',
  ],
});
const endedRow = (row) => ({
  at: row.ended_at,
  asked: row.path,
  rate: row.seconds > 0 ? row.bytes / row.seconds : 0,
  kind: rowKind(row),
  text: outcomeText(row),
  nodes: () => [...outcomeNodes(row), ` ${words.history.bytes(exact(row.bytes))}`],
});
const missRow = (row) => ({
  at: row.last_at,
  asked: row.asked,
  kind: 'bad',
  text: `${row.cause} ${row.text} ${row.count}`,
  nodes: () =>
    [
      tag('bad', row.cause),
      ` ${row.text}${row.count > 1 ? ` (${text.tries(row.count)})` : ''}`,
      fixLine(row.fix),
    ].filter(Boolean),
});

class Device {
  query = { topics: 'ended,misses' };

  constructor(main, app, address) {
    Object.assign(this, { app, address });
    this.head = el('h2', {}, address);
    this.facts = el('div');
    this.table = new Table(text.asked, columns, { key: (row) => row.key, kind: (row) => row.kind, stack: true });
    this.none = el('p', { class: 'empty', hidden: true }, text.nothing);
    this.explain = el('div', { hidden: true }, explainForm(address));
    main.append(
      el('p', {}, link('devices', `\u2190 ${text.allDevices}`)),
      card(this.head, this.facts, this.explain),
      region(text.asked, this.table.element, this.none),
    );
    this.reading = app.stream.every(every, () => this.read());
  }

  async read() {
    try {
      this.draw(await get(`/devices/${encodeURIComponent(this.address)}`));
    } catch (error) {
      if (error.status !== notFound) return complain(error);
      this.facts.replaceChildren(el('p', { class: 'empty' }, text.unknown(this.address)));
    }
  }

  take(kind, data) {
    if (data.client === this.address) this.reading.soon();
  }

  draw(device) {
    const past = [...device.ended.map(endedRow), ...device.missed.map(missRow)].sort((a, b) => (a.at < b.at ? 1 : -1));
    const rows = [...device.transfers.map(runningRow), ...past].map((row) => ({
      ...row,
      key: `${row.at} ${row.asked} ${row.kind}`,
    }));
    this.table.show(rows);
    this.table.element.hidden = !rows.length;
    this.none.hidden = rows.length > 0;
    this.head.textContent = [this.address, device.name].filter(Boolean).join(', ');
    const { reported, holdings } = device;
    const list = [
      [text.kind, device.kind],
      [text.model, device.model],
      [text.site, device.site],
      [text.first, device.first_at && moment(device.first_at)],
      [text.last, device.last_at ? moment(device.last_at) : tag('warn', text.neverSeen)],
      [text.holds, holdings.map((each) => each.path).join(', ')],
      [
        text.reported,
        reported &&
          ['running', 'backup', 'predownload', 'image']
            .filter((key) => reported[key])
            .map((key) => `${key} ${reported[key]}`)
            .join(', '),
      ],
    ];
    const saying = JSON.stringify([list.map(([, shown]) => shown?.textContent ?? shown)]);
    if (saying === this.saying) return;
    this.saying = saying;
    this.facts.replaceChildren(
      pairs(list),
      el(
        'p',
        { class: 'tools' },
        this.app.admin && button(text.edit, () => this.edit(device)),
        button(text.explain, () => {
          this.explain.hidden = !this.explain.hidden;
        }),
      ),
    );
  }

  edit(device) {
    const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('dialog'));
    const fieldOf = (name) =>
      name === 'kind'
        ? el('select', { name }, ...text.kinds.map((kind) => el('option', { selected: kind === device.kind }, kind)))
        : el('input', { name, value: device[name] ?? '', maxlength: 100 });
    const form = el(
      'form',
      { class: 'stacked' },
      el('h2', { id: 'dialog-title' }, this.address),
      ...editable.map((name) => el('label', {}, text[name], fieldOf(name))),
      el(
        'p',
        { class: 'tools' },
        el('button', { class: 'main' }, words.save),
        button(words.cancel, () => dialog.close()),
      ),
    );
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const values = Object.fromEntries(
        [...new FormData(form)].map(([name, value]) => [name, String(value).trim() || null]),
      );
      if (values.kind === device.kind) delete values.kind; // what was concluded stays a conclusion
      await send('PATCH', `/devices/${encodeURIComponent(this.address)}`, values).then(() => {
        notice('good', text.saved(this.address));
        this.read();
      }, complain);
      dialog.close();
    });
    dialog.replaceChildren(form);
    dialog.showModal();
  }

  close() {
    this.reading.stop();
  }
}

export const openDevice = (main, app, address) => new Device(main, app, address);
