// A controller's tables, pasted: first what they would change, then the change.
import { sendText } from './api.js';
import { button, el } from './dom.js';
import { complain, notice } from './notices.js';
import { words } from './words.js';

const text = words.inventory,
  mostShown = 50;
const isList = (pasted) => /^[^\n]*\baddress\b[^\n]*,|^[^\n]*,[^\n]*\baddress\b/i.test(pasted.trim());

const changeText = (change) =>
  [change.name, change.address, change.new ? text.new : change.members.join(', ')].filter(Boolean).join('; ');

const listOf = (items, all, show) =>
  el(
    'ul',
    { class: 'lines' },
    ...items.slice(0, mostShown).map((each) => el('li', {}, show(each))),
    ...(all > mostShown ? [el('li', {}, `+ ${all - mostShown}`)] : []),
  );

/** Opens the dialog. @param {() => void} changed called after a change */
export function pasteTables(changed) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('dialog'));
  const field = el('textarea', {
    rows: 12,
    cols: 80,
    required: true,
    spellcheck: 'false',
    wrap: 'off',
    'aria-label': text.field,
  });
  const send = (query) => sendText('/inventory', field.value, isList(field.value) ? 'text/csv' : 'text/plain', query);

  const ask = () => {
    const form = el(
      'form',
      {},
      el('h2', { id: 'dialog-title' }, text.title),
      el('p', {}, text.lead),
      el('pre', {}, text.commands),
      field,
      el('p', {}, el('small', {}, `${text.csv} ${text.unchanged}`)),
      el(
        'p',
        { class: 'tools' },
        el('button', { class: 'main' }, text.check),
        button(words.cancel, () => dialog.close()),
      ),
    );
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      await send({ dry_run: 1 }).then(judge, (error) => {
        dialog.close();
        complain(error);
      });
    });
    dialog.replaceChildren(form);
    field.focus();
  };

  const judge = ({ understood, changes, changed: each, unknown, unknown_lines: lines }) => {
    const apply = button(
      text.apply,
      async () => {
        await send({}).then((done) => {
          notice('good', text.applied(done.changes));
          changed();
        }, complain);
        dialog.close();
      },
      { class: 'main', disabled: !changes },
    );
    dialog.replaceChildren(
      el('h2', { id: 'dialog-title' }, text.title),
      el(
        'p',
        { role: 'status' },
        understood ? `${text.understood(understood)} ${text.changes(changes)}` : text.nothing,
      ),
      listOf(each, changes, changeText),
      ...(unknown
        ? [
            el('p', { class: 'warn-text' }, `! ${text.unknown(unknown)}`),
            listOf(lines, unknown, (line) => el('code', {}, line)),
          ]
        : []),
      el('p', {}, el('small', {}, text.unchanged)),
      el(
        'p',
        { class: 'tools' },
        apply,
        button(text.back, ask),
        button(words.cancel, () => dialog.close()),
      ),
    );
    apply.focus();
  };

  ask();
  dialog.showModal();
  field.focus();
}
