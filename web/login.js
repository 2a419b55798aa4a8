// Logging in, and the first start: who has the code becomes the administrator.
import { sendForm } from './api.js';
import { el, put } from './dom.js';
import { clock } from './format.js';
import { words } from './words.js';

const tooMany = 429;

function problemText(error) {
  if (error.status === tooMany && error.retryAfter)
    return words.login.tooMany(clock(Date.now() + error.retryAfter * 1000));
  return error.fix ? `${error.message}: ${error.fix}` : error.message;
}

function field(label, attributes, hint) {
  return el('label', {}, label, hint && el('small', {}, hint), el('input', { required: true, ...attributes }));
}

/**
 * @param {HTMLElement} main
 * @param {{title: string, before?: Node, fields: Node[], go: string, after?: Node}} texts
 * @param {(values: Record<string, string>) => Promise<void>} work throws an ApiError with what is to be shown
 */
function form(main, texts, work) {
  document.title = `${texts.title} - ${words.title}`;
  const problem = el('p', { role: 'alert', class: 'bad-text' });
  const go = el('button', { class: 'main' }, texts.go);
  const element = el(
    'form',
    { class: 'form card' },
    el('h1', {}, words.title, ' ', el('small', {}, texts.title)),
    texts.before,
    problem,
    ...texts.fields,
    go,
    texts.after,
  );
  element.addEventListener('submit', async (event) => {
    event.preventDefault();
    go.disabled = true;
    put(problem, '');
    try {
      await work(Object.fromEntries(new FormData(element)));
    } catch (error) {
      put(problem, problemText(error));
      element.querySelector('input[type=password]').select();
    } finally {
      go.disabled = false;
    }
  });
  main.replaceChildren(element);
  (texts.fields.map((each) => each.querySelector('input')).find((input) => !input.value) ?? go).focus();
}

export function logInScreen(main, done) {
  const { login } = words;
  form(
    main,
    {
      title: login.title,
      go: login.go,
      fields: [
        field(login.name, { name: 'name', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false' }),
        field(login.password, { name: 'password', type: 'password', autocomplete: 'current-password' }),
      ],
      after: el('p', {}, el('small', {}, login.forgotten, el('code', {}, login.passwd), '. ', login.accounts)),
    },
    async (values) => {
      await sendForm('/session', values);
      done();
    },
  );
}

export function setUpScreen(main, code, done) {
  const { setup } = words,
    password = { type: 'password', autocomplete: 'new-password', minlength: 12 };
  form(
    main,
    {
      title: setup.title,
      go: setup.go,
      before: el('p', {}, setup.lead, el('code', {}, setup.command), setup.holds),
      fields: [
        field(setup.code, {
          name: 'code',
          autocomplete: 'one-time-code',
          autocapitalize: 'characters',
          spellcheck: 'false',
          value: code,
        }),
        field(setup.name, { name: 'name', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false' }),
        field(setup.password, { ...password, name: 'password' }, setup.rule),
        field(setup.again, { ...password, name: 'again' }),
      ],
    },
    async ({ again, ...values }) => {
      if (again !== values.password) throw new Error(setup.differ);
      await sendForm('/setup', values);
      await sendForm('/session', { name: values.name, password: values.password });
      done();
    },
  );
}
