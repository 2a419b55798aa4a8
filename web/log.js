// The log's classic lines, live.
import { get } from './api.js';
import { button, download, el, filterField, labelled, put, select } from './dom.js';
import { complain, copy } from './notices.js';
import { words } from './words.js';

const text = words.log,
  mostLines = 2000,
  firstLines = 300,
  typingPause = 400;
const number = /\b(?:in\.)?[a-z-]+\[\d+\]/;
const marks = { warn: /warn|refused|penalty|left out/i };

function lineKind(line) {
  if (line.event === 'miss' || / miss [A-Z_]+: /.test(line.text)) return 'm';
  return line.level === 'quiet' || marks.warn.test(line.event ?? '') ? 'w' : '';
}

class Log {
  constructor(main, app) {
    this.app = app;
    this.level = 'verbose';
    this.seen = '';
    this.filter = filterField(text.filter, text.hint, () => this.begunSoon(), app.place.query.get('q') ?? '');
    this.filter.classList.add('long');
    this.filter.maxLength = 64; // as the API has it
    this.follow = el('input', { type: 'checkbox', checked: true, onchange: () => this.toEnd() });
    this.newer = button(
      '',
      () => {
        this.follow.checked = true;
        this.toEnd();
      },
      { hidden: true, class: 'main' },
    );
    this.lines = el('pre', { class: 'log', tabindex: 0, role: 'log', 'aria-live': 'off', 'aria-label': text.name });
    this.lines.addEventListener('scroll', () => this.scrolled());
    main.append(
      el(
        'section',
        { class: 'card' },
        el(
          'div',
          { class: 'tools' },
          labelled(
            text.level,
            select(
              text.level,
              Object.entries(text.levels),
              (level) => {
                this.level = level;
                this.begin();
              },
              this.level,
            ),
          ),
          this.filter,
          el('label', {}, this.follow, ` ${text.follow}`),
          this.newer,
          button(text.copy, (event) => copy(this.lines.textContent, event.currentTarget)),
          button(text.download, () => this.save()),
        ),
        this.lines,
        el('p', {}, el('small', {}, `${text.note} ${text.kept}`)),
      ),
    );
    this.missed = 0;
    this.begin();
  }

  get wanted() {
    return { level: this.level, q: this.filter.value.trim() };
  }

  begunSoon() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.begin(), typingPause);
  }

  async begin() {
    const { wanted } = this,
      arrived = (this.arrived = []);
    this.app.stream.want({ topics: 'log', ...wanted });
    const { items } = await get('/log', { limit: firstLines, ...wanted }).catch((error) => {
      complain(error);
      return { items: [] };
    });
    if (this.arrived !== arrived) return;
    this.arrived = null;
    this.seen = 0;
    this.lines.replaceChildren(...(items.length ? [] : [el('span', { class: 'none' }, text.none)]));
    for (const line of items) this.add(line.id, line);
    for (const each of arrived) this.take(...each);
    this.toEnd();
  }

  take(kind, data, id) {
    if (this.arrived) return this.arrived.push([kind, data, id]); // shown after the lines before them
    if (kind === 'gap') this.append(el('span', { class: 'w' }, `${text.gap(data.lines)}\n`));
    if (kind === 'log') this.add(data.id ?? Number(id), data);
    if (kind !== 'gap' && kind !== 'log') return;
    if (this.follow.checked) this.toEnd();
    else put(this.newer, text.newLines(++this.missed));
    this.newer.hidden = this.follow.checked;
  }

  // A line that both the answer and the stream have is shown once.
  add(id, line) {
    if (id && id <= this.seen) return;
    this.seen = id || this.seen;
    const at = el('time', {}, line.at.slice(11).replace('Z', ''));
    const found = number.exec(line.text);
    const parts = found
      ? [line.text.slice(0, found.index), this.numbered(found[0]), line.text.slice(found.index + found[0].length)]
      : [line.text];
    this.append(el('span', { class: lineKind(line) }, at, ' ', ...parts, '\n'));
  }

  numbered(name) {
    return button(
      name,
      () => {
        this.filter.value = name;
        this.begin();
      },
      { class: 'plain' },
    );
  }

  append(node) {
    this.lines.querySelector('.none')?.remove();
    this.lines.append(node);
    while (this.lines.childElementCount > mostLines) this.lines.firstElementChild.remove();
  }

  // Whoever scrolls up reads; the end is followed again from the end.
  scrolled() {
    const atEnd = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 30;
    if (atEnd) this.missed = 0;
    this.follow.checked = atEnd;
    if (atEnd) this.newer.hidden = true;
  }

  toEnd() {
    if (!this.follow.checked) return;
    this.missed = 0;
    this.newer.hidden = true;
    this.lines.scrollTop = this.lines.scrollHeight;
  }

  async save() {
    await get('/log', { limit: 10_000, ...this.wanted }).then(
      ({ items }) => download('apdepot.log', 'text/plain', items.map((line) => `${line.at} ${line.text}\n`).join('')),
      complain,
    );
  }

  close() {
    clearTimeout(this.soon);
    this.arrived = [];
  }
}

export const open = (main, app) => new Log(main, app);
