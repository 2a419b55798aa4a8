// What is served, what is on its way in, and the controller's lines.
import { get, send } from './api.js';
import { bar, button, code, el, labelled, link, put, region, select, tag } from './dom.js';
import { bytes, rate, span, when } from './format.js';
import { complain, fixLine, notice } from './notices.js';
import { numbers, plain, Table } from './table.js';
import { Upload } from './upload.js';
import { words } from './words.js';

const text = words.releases,
  every = 15,
  mostAtOnce = 2;
const pathOf = (release) => release.path.split('/').map(encodeURIComponent).join('/');

// Uploads go on while other screens are shown.
const uploads = [];
let redraw = () => {};
addEventListener('beforeunload', (event) => {
  if (uploads.some((upload) => upload.state === 'uploading')) event.preventDefault();
});

function startNext() {
  const busy = uploads.filter((upload) => ['uploading', 'again'].includes(upload.state)).length;
  const next = busy < mostAtOnce && uploads.find((upload) => upload.state === 'waiting');
  if (next) next.start();
}

function changed() {
  startNext();
  redraw();
}

function remove(upload) {
  const at = uploads.indexOf(upload);
  if (at >= 0) uploads.splice(at, 1);
  changed();
}

function add(files) {
  for (const file of files) uploads.push(Object.assign(new Upload(file, changed), { added: Date.now() }));
  changed();
}

// ---- a row on the way in: an upload of this page, and then the import of the same name

const outcomes = new Set(['published', 'already_there', 'rejected', 'failed', 'gone']);
const ended = (entry) => outcomes.has(entry.state);

function stepOf(row) {
  const { upload, entry } = row;
  if (entry) {
    if (entry.state === 'rejected' || entry.state === 'failed') return [tag('bad', text[entry.state])];
    return [
      ended(entry) ? tag('good', text.steps.done) : text.steps[entry.step === 'publishing' ? 'publishing' : 'checking'],
    ];
  }
  if (upload.state === 'refused') return [tag('bad', text.rejected)];
  if (upload.state === 'cut' || upload.state === 'again') return [tag('warn', text.isBroken)];
  return [text.steps[{ waiting: 'waiting', paused: 'paused', sent: 'checking' }[upload.state] ?? 'uploading']];
}

function uploadProgress(upload) {
  const took = (Date.now() - upload.began) / 1000,
    perSecond = took > 0 ? (upload.sent - upload.from) / took : 0;
  const figures = text.progressOf(
    bytes(upload.sent),
    bytes(upload.file.size),
    rate(perSecond),
    span(perSecond ? (upload.file.size - upload.sent) / perSecond : null),
  );
  if (upload.state === 'refused') return [upload.error.message, fixLine(upload.error.fix)];
  const note = { again: () => text.again(upload.wait), cut: () => text.gaveUp, waiting: () => '', paused: () => '' }[
    upload.state
  ];
  return [
    bar(upload.sent, upload.file.size, text.uploadsNamed(upload.file.name)),
    el('span', { class: 'muted' }, ` ${note ? note() : figures}`),
  ];
}

function importProgress(entry) {
  if (entry.state === 'rejected' || entry.state === 'failed') return [entry.reason];
  if (entry.state === 'published') return [link('rollout', text.published(entry.path))];
  if (entry.state === 'already_there') return [text.already(entry.path)];
  return entry.total
    ? [
        bar(entry.done, entry.total, text.imports(entry.file)),
        el('span', { class: 'muted wide' }, ` ${words.transfers.of(bytes(entry.done), bytes(entry.total))}`),
      ]
    : [];
}

function uploadButtons(upload) {
  const cancel = button(
    words.cancel,
    () => {
      upload.cancel();
      remove(upload);
    },
    { class: 'danger' },
  );
  switch (upload.state) {
    case 'uploading':
    case 'again':
      return [button(text.pause, () => upload.pause()), ' ', cancel];
    case 'paused':
    case 'cut':
      return [button(text.resume, () => upload.resume(), { class: 'main' }), ' ', cancel];
    case 'refused':
      return [button(words.dismiss, () => remove(upload))];
    case 'waiting':
      return [cancel];
    default:
      return [];
  }
}

const incomingColumns = (dismiss) => [
  { title: text.file, class: 'path', text: (row) => row.name },
  { title: text.step, text: (row) => `${row.entry?.state} ${row.upload?.state}`, nodes: stepOf },
  {
    title: text.progress,
    text: (row) => JSON.stringify([row.entry, row.upload?.sent, row.upload?.state, row.upload?.wait]),
    nodes: (row) => (row.entry ? importProgress(row.entry) : uploadProgress(row.upload)).filter(Boolean),
  },
  {
    title: '',
    hidden: words.transfers.actions,
    text: (row) => `${row.entry?.state} ${row.upload?.state}`,
    nodes: (row) =>
      row.entry ? (ended(row.entry) ? [button(words.dismiss, () => dismiss(row))] : []) : uploadButtons(row.upload),
  },
];

// ---- releases

// The digests, where somebody had them compared, else the sizes.
const differing = (release) => release.verification?.found?.differences ?? release.differing;

function stateNodes(release) {
  const { verification } = release,
    wrong = differing(release);
  const state = verification?.running
    ? tag('plain', text.reading)
    : wrong.length
      ? tag('bad', text.differs(wrong.slice(0, 3).join(', ')))
      : verification?.failure
        ? tag('bad', verification.failure)
        : release.imported_at === null
          ? tag('plain', text.byHand)
          : release.verified === false
            ? tag('warn', text.unverified)
            : tag('good', text.verified);
  return [
    state,
    release.current ? ' ' : '',
    release.current ? tag('plain', text.current) : '',
    verification?.found && !wrong.length
      ? el('span', { class: 'under shown' }, text.asImported(when(verification.at)))
      : '',
  ];
}

const sizeOf = (release) => release.images.reduce((sum, image) => sum + image.size, 0);

class Releases {
  query = { topics: 'imports' };

  constructor(main, app) {
    this.app = app;
    this.releases = [];
    this.imports = new Map();
    this.dismissed = new Set();
    this.free = el('span');
    this.incoming = new Table(
      text.incoming,
      incomingColumns((row) => this.dismiss(row)),
      {
        key: (row) => row.name,
        kind: (row) =>
          ['rejected', 'failed'].includes(row.entry?.state) || row.upload?.state === 'refused' ? 'bad' : '',
        stack: true,
      },
    );
    this.incomingCard = region(text.incoming, this.incoming.element);
    this.table = new Table(text.caption, this.columns(), {
      key: (row) => row.path,
      stack: true,
      kind: (row) => (differing(row).length ? 'bad' : ''),
    });
    this.none = el('p', { class: 'empty', hidden: true }, text.none);
    this.lines = el('section', { class: 'card', hidden: true, 'aria-label': text.lines });
    main.append(
      app.admin ? this.dropZone() : el('p', { class: 'muted' }, text.only),
      this.incomingCard,
      region(text.caption, this.table.element, this.none),
      this.lines,
    );
    redraw = () => this.drawIncoming();
    this.reading = app.stream.every(every, () => this.read());
    this.drawIncoming();
    this.refreshed();
  }

  columns() {
    return [
      {
        title: text.path,
        class: 'path',
        first: true,
        by: (row) => row.path,
        text: (row) => `${row.path} ${row.version}`,
        nodes: (row) => [
          link(`rollout?release=${encodeURIComponent(row.path)}`, row.path),
          el('span', { class: 'under' }, [row.version, bytes(sizeOf(row))].filter(Boolean).join(', ')),
        ],
      },
      plain(text.called, 'spellings', 'wide'),
      {
        title: text.state,
        by: (row) => Number(row.verified === true),
        text: (row) => JSON.stringify([row.verified, row.current, row.differing, row.imported_at, row.verification]),
        nodes: stateNodes,
      },
      { title: text.images, class: 'n wide', by: (row) => row.images.length, text: (row) => String(row.images.length) },
      { title: text.size, class: 'n wide', by: sizeOf, text: (row) => bytes(sizeOf(row)) },
      {
        title: text.imported,
        class: 't far',
        down: true,
        by: (row) => row.imported_at ?? '',
        text: (row) => when(row.imported_at),
      },
      numbers(text.holders, 'holders', 'n'),
      {
        title: '',
        hidden: words.transfers.actions,
        class: 'acts',
        text: (row) => String(row.current),
        nodes: (row) => this.buttons(row),
      },
    ];
  }

  buttons(release) {
    const named = (word) => ({ 'aria-label': `${word}: ${release.path}` });
    const lines = button(text.lines, () => this.showLines(release), named(text.lines));
    if (!this.app.admin) return [lines];
    return [
      lines,
      ' ',
      button(text.verify, () => this.verify(release), named(text.verify)),
      ' ',
      !release.current && button(text.promote, () => this.promote(release), named(text.promote)),
      ' ',
      button(text.retire, () => this.retire(release), {
        class: 'danger',
        disabled: release.current,
        title: release.current ? text.isCurrent : null,
        ...named(text.retire),
      }),
    ].filter(Boolean);
  }

  dropZone() {
    const picker = el('input', {
      type: 'file',
      multiple: true,
      class: 'unseen',
      tabindex: -1,
      'aria-hidden': 'true',
      onchange: () => {
        add(picker.files);
        picker.value = '';
      },
    });
    const zone = el(
      'section',
      { class: 'card drop' },
      el('h2', {}, text.drop),
      picker,
      el(
        'p',
        {},
        `${text.or} `,
        button(text.choose, () => picker.click(), { class: 'main' }),
        ' ',
        this.app.status?.depot &&
          el('span', { class: 'muted' }, text.folder[0], code(`${this.app.status.depot}/drop`), text.folder[1]),
      ),
      el('p', {}, el('small', {}, `${text.forms} `, this.free)),
    );
    const over = (on) => (event) => {
      event.preventDefault();
      zone.classList.toggle('over', on);
    };
    zone.addEventListener('dragover', over(true));
    zone.addEventListener('dragleave', over(false));
    zone.addEventListener('drop', (event) => {
      over(false)(event);
      add(event.dataTransfer.files);
    });
    return zone;
  }

  async read() {
    try {
      const [releases, imports] = await Promise.all([get('/releases'), get('/imports')]);
      this.releases = releases.items;
      this.imports = new Map(imports.items.map((entry) => [entry.file, entry]));
    } catch (error) {
      return complain(error);
    }
    this.table.show(this.releases);
    this.table.element.hidden = !this.releases.length;
    this.none.hidden = this.releases.length > 0;
    this.drawIncoming();
  }

  take(kind, data) {
    if (kind !== 'import') return;
    this.imports.set(data.file, { ...this.imports.get(data.file), ...data });
    if (ended(data)) this.read();
    this.drawIncoming();
  }

  refreshed() {
    const free = this.app.status?.disk?.free;
    put(this.free, free === undefined ? '' : text.free(bytes(free)));
  }

  drawIncoming() {
    const rows = uploads.map((upload) => ({
      name: upload.file.name,
      upload,
      entry: upload.state === 'sent' ? this.entryFor(upload) : null,
    }));
    for (const entry of this.imports.values()) {
      if (
        entry.state !== 'gone' &&
        !rows.some((row) => row.name === entry.file) &&
        !this.dismissed.has(`${entry.file} ${entry.at}`)
      )
        rows.push({ name: entry.file, entry, upload: null });
    }
    this.incoming.show(rows);
    this.incomingCard.hidden = !rows.length;
  }

  // An import that ended before the upload began is another one of the same name.
  entryFor(upload) {
    const entry = this.imports.get(upload.file.name);
    return entry && (!entry.at || Date.parse(entry.at) >= upload.added - 1000 || !ended(entry)) ? entry : null;
  }

  dismiss(row) {
    if (row.entry) this.dismissed.add(`${row.entry.file} ${row.entry.at}`);
    if (row.upload) remove(row.upload);
    this.drawIncoming();
  }

  async act(release, act, said) {
    await send('POST', `/releases${pathOf(release)}/${act}`).then((answer) => {
      notice('good', said(answer ?? {}));
      this.read();
    }, complain);
  }

  promote(release) {
    return this.act(release, 'promote', () => text.promoted(release.path));
  }

  verify(release) {
    return this.act(release, 'verify', () => text.verifies(release.path));
  }

  retire(release) {
    if (confirm(text.sureRetire(release.path)))
      this.act(release, 'retire', (answer) => text.retired(release.path, answer.moved_to));
  }

  async showLines(release, asked = { mode: 'tftp', address: '' }) {
    let answer;
    try {
      answer = await get('/controller-lines', { release: release.path, ...asked });
    } catch (error) {
      return complain(error);
    }
    const again = (more) => this.showLines(release, { ...asked, ...more });
    const modes = select(text.mode, Object.entries(text.modes), (mode) => again({ mode }), asked.mode);
    const address = el('input', { value: answer.server, size: 20, onchange: () => again({ address: address.value }) });
    this.lines.hidden = false;
    this.lines.replaceChildren(
      el('h2', {}, text.linesOf(answer.path)),
      el('div', { class: 'tools' }, labelled(text.mode, modes), labelled(text.address, address)),
      fixLine(answer.lines),
    );
    this.lines.scrollIntoView({ block: 'nearest' });
  }

  close() {
    redraw = () => {};
    this.reading.stop();
  }
}

export const open = (main, app) => new Releases(main, app);
