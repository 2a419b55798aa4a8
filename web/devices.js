// Every device that has asked, or that somebody expects.
import { list } from './api.js';
import { button, labelled, link, select, tag } from './dom.js';
import { when } from './format.js';
import { openDevice } from './device.js';
import { pasteTables } from './inventory.js';
import { Listing } from './listing.js';
import { complain } from './notices.js';
import { deviceLines, numbers, plain } from './table.js';
import { words } from './words.js';

const text = words.device,
  every = 30,
  most = 20_000;
const neverSeen = (row) => row.expected && !row.last_at;
const choices = [['', words.all], ['never_seen', text.neverSeen], ...text.kinds.map((kind) => [kind, kind])];

const columns = [
  {
    title: text.address,
    by: (row) => row.address ?? '',
    make: (row) => deviceLines(row, (each) => each.address ?? ''),
    text: (row) => `${row.address ?? '-'}\n${[row.model, row.kind].filter(Boolean).join(', ')}`,
  },
  plain(text.name, 'name', '', { text: (row) => row.name ?? text.unnamed }),
  plain(text.kind, 'kind', 'wide'),
  plain(text.model, 'model', 'far'),
  plain(text.site, 'site', 'far'),
  {
    title: text.fetched,
    class: 'path',
    by: (row) => row.last_fetched ?? '',
    text: (row) => `${neverSeen(row)} ${row.last_fetched} ${row.running}`,
    nodes: (row) =>
      neverSeen(row)
        ? [tag('warn', text.neverSeen)]
        : [row.running ? tag('plain', text.downloads) : '', ' ', row.last_fetched ?? ''],
  },
  // Who was never seen comes first, then who asked last.
  {
    title: text.last,
    class: 't wide',
    first: true,
    down: true,
    by: (row) => (neverSeen(row) ? '~' : (row.last_at ?? '')),
    text: (row) => when(row.last_at),
  },
  numbers(text.whole, 'whole'),
  numbers(text.broke, 'broke_off'),
  numbers(text.misses, 'misses'),
];

class Devices {
  query = { topics: 'ended,misses' };

  constructor(main, app) {
    const { query } = app.place;
    this.kind = query.get('kind') ?? '';
    this.list = new Listing({
      caption: text.caption,
      columns,
      hint: text.hint,
      wanted: query.get('q') ?? '',
      key: (row) => row.address ?? row.name,
      kind: (row) => (neverSeen(row) ? 'warn' : ''),
      texts: (row) => [row.name, row.address, row.model, row.site],
      csv: [
        'address',
        'name',
        'kind',
        'model',
        'site',
        'expected',
        'first_at',
        'last_at',
        'last_fetched',
        'last_fetched_at',
        'whole',
        'broke_off',
        'misses',
      ],
      tools: [
        labelled(
          text.kind,
          select(
            text.kind,
            choices,
            (value) => {
              this.kind = value;
              this.list.draw();
            },
            this.kind,
          ),
        ),
        app.admin && button(text.import, () => pasteTables(() => this.read())),
      ].filter(Boolean),
      empty: () => [text.none, link('health', text.noneLink)],
    });
    this.list.fits = (row) => !this.kind || (this.kind === 'never_seen' ? neverSeen(row) : row.kind === this.kind);
    main.append(this.list.element);
    this.reading = app.stream.every(every, () => this.read());
  }

  async read() {
    await list('/devices', { limit: 1000 }, most).then((rows) => this.list.show(rows), complain);
  }

  take() {
    this.reading.soon();
  }

  close() {
    this.reading.stop();
  }
}

export const open = (main, app) =>
  app.place.parts[0] ? openDevice(main, app, app.place.parts[0]) : new Devices(main, app);
