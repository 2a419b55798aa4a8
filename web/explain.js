// "What would a device get for this path?"
import { get } from './api.js';
import { code, el, labelled, select, tag } from './dom.js';
import { complain, fixLine } from './notices.js';
import { words } from './words.js';

const text = words.explain;

function answerNodes(found, write) {
  if (found.served)
    return [
      el(
        'p',
        {},
        tag('good', write ? text.stored : text.served),
        ' ',
        code(found.served),
        found.rule && ` (${text.rule(found.rule)})`,
      ),
    ];
  return [
    el(
      'p',
      {},
      tag('bad', found.cause ?? ''),
      ` ${found.text ?? ''} `,
      found.nearest && `${text.nearest} `,
      found.nearest && code(found.nearest),
    ),
    fixLine(found.fix),
  ].filter(Boolean);
}

/** @param {string} [client] its address, where it is known */
export function explainForm(client = '') {
  const path = el('input', { required: true, placeholder: '/EWC/17_9_4a/ap1g8', class: 'long' });
  const protocol = select(
    text.over,
    ['tftp', 'sftp', 'http'].map((each) => [each, each.toUpperCase()]),
    () => {},
  );
  const of = el('input', { value: client, placeholder: text.client, size: 16 }),
    write = el('input', { type: 'checkbox' });
  const answer = el('div', { role: 'status' });
  const form = el(
    'form',
    { class: 'tools' },
    labelled(text.path, path),
    labelled(text.over, protocol),
    labelled(text.for, of),
    el('label', {}, write, ` ${text.write}`),
    el('button', { class: 'main' }, text.go),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const asked = {
      path: path.value,
      protocol: protocol.value,
      client: of.value.trim(),
      write: write.checked ? '1' : '',
    };
    await get('/explain', asked).then(
      (found) => answer.replaceChildren(...answerNodes(found, write.checked)),
      complain,
    );
  });
  return el('div', {}, form, answer);
}
