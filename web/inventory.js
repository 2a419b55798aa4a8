// A controller's tables, pasted: first what they would change, then the change.
import { sendText } from './api.js';
import { button, el } from './dom.js';
import { complain, notice } from './notices.js';
import { words } from './words.js';

const text = words.inventory;
const mostShown = 50;
const largestPiece = 40_000; // characters; the server takes 64 KiB
const isList = (pasted) => /^(?=[^\n]*,)[^\n]*\b(address|name)\b/i.test(pasted.trim());
const isRule = (line) => /^[-=+ ]{10,}\s*$/.test(line);

// Each piece of a long table begins with the lines above the table's rule, which name its columns.
function piecesOf(pasted) {
  const pieces = [[]];
  let heading = [],
    before = [],
    size = 0;
  for (const line of pasted.split('\n')) {
    if (isRule(line)) heading = [...before.slice(-2), line];
    before = line.trim() ? [...before, line] : [];
    if (size > largestPiece) {
      size = 0;
      pieces.push(isList(pasted) ? [pieces[0][0]] : [...heading]);
    }
    pieces.at(-1).push(line);
    size += line.length + 1;
  }
  return pieces.map((lines) => lines.join('\n'));
}

async function send(pasted, query) {
  const all = { understood: 0, unknown: 0, changes: 0, changed: [], unknown_lines: [] };
  for (const piece of piecesOf(pasted)) {
    const answer = await sendText('/inventory', piece, isList(pasted) ? 'text/csv' : 'text/plain', query);
    for (const count of ['understood', 'unknown', 'changes']) all[count] += answer[count];
    for (const list of ['changed', 'unknown_lines']) all[list].push(...answer[list]);
  }
  return all;
}

const changeText = (change) =>
  [change.name, change.address, change.new ? text.new : change.members.join(', ')].filter(Boolean).join('; ');

function listOf(items, all, show) {
  const shown = items.slice(0, mostShown);
  const rest = all > shown.length ? el('li', {}, `+ ${all - shown.length}`) : null;
  return el('ul', { class: 'lines', tabindex: 0 }, ...shown.map((each) => el('li', {}, show(each))), rest);
}

/** Opens the dialog. @param {() => void} changed called after a change */
export function pasteTables(changed) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('dialog'));
  const title = el('h2', { id: 'dialog-title' }, text.title);
  const cancel = () => button(words.cancel, () => dialog.close());
  const field = el('textarea', {
    rows: 12,
    required: true,
    spellcheck: 'false',
    wrap: 'off',
    'aria-label': text.field,
  });
  const fail = (error) => {
    dialog.close();
    complain(error);
  };

  const ask = () => {
    const go = el('button', { class: 'main' }, text.check);
    const note = el('p', {}, el('small', {}, `${text.csv} ${text.unchanged}`));
    const lead = [el('p', {}, text.lead), el('pre', {}, text.commands)];
    const form = el('form', {}, title, ...lead, field, note, el('p', { class: 'tools' }, go, cancel()));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      go.disabled = true;
      await send(field.value, { dry_run: 1 }).then(judge, fail);
    });
    dialog.replaceChildren(form);
    field.focus();
  };

  const apply = async () => {
    const done = await send(field.value, {}).catch(fail);
    if (!done) return;
    dialog.close();
    notice('good', text.applied(done.changes));
    changed();
  };

  const judge = (found) => {
    const said = found.understood
      ? `${text.understood(found.understood)} ${text.changes(found.changes)}`
      : text.nothing;
    const unknown = found.unknown
      ? [
          el('p', { class: 'warn-text' }, `! ${text.unknown(found.unknown)}`),
          listOf(found.unknown_lines, found.unknown, (line) => el('code', {}, line)),
        ]
      : [];
    const go = button(text.apply, apply, { class: 'main', disabled: !found.changes });
    dialog.replaceChildren(
      title,
      el('p', { role: 'status' }, said),
      ...(found.changes ? [listOf(found.changed, found.changes, changeText)] : []),
      ...unknown,
      el('p', {}, el('small', {}, text.unchanged)),
      el('p', { class: 'tools' }, go, button(text.back, ask), cancel()),
    );
    (found.changes ? go : title).focus();
  };

  ask();
  dialog.showModal();
  field.focus();
}
