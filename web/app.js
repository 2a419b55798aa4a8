// The page's frame: who is here, which screen is shown, whether the server is heard of.
import { get, onLoggedOut, send, setToken } from './api.js';
import { button, el, put } from './dom.js';
import { clock, useUtc } from './format.js';
import { followKeys } from './keys.js';
import { logInScreen, setUpScreen } from './login.js';
import { notice } from './notices.js';
import { Stream } from './stream.js';
import { words } from './words.js';
import * as now from './now.js';
import * as rollout from './rollout.js';
import * as devices from './devices.js';
import * as releases from './releases.js';
import * as misses from './misses.js';
import * as history from './history.js';
import * as log from './log.js';
import * as health from './health.js';

const screens = { now, rollout, devices, releases, misses, history, log, health };
const statusEvery = 10,
  recentFor = 15 * 60_000,
  mostRecent = 100;
const byId = (id) => document.getElementById(id);

// Of this browser; one that keeps nothing has the defaults.
const wishes = {
  read(name) {
    try {
      return localStorage.getItem(`apdepot.${name}`);
    } catch {
      return null;
    }
  },
  write(name, value) {
    try {
      localStorage.setItem(`apdepot.${name}`, value);
    } catch {
      /* it holds until a reload */
    }
  },
};

/** What every screen is given. */
const app = {
  session: null,
  admin: false,
  status: null,
  ended: [],
  misses: [],
  place: null,
  version: '',
  stream: new Stream(take, contact),
  go(place) {
    location.hash = `#${place}`;
  },
  recentMisses() {
    return app.misses.filter((miss) => Date.now() - Date.parse(miss.at) < recentFor);
  },
  recentlyEnded() {
    return app.ended.filter((row) => Date.now() - Date.parse(row.at) < recentFor);
  },
};
let screen = null,
  singleKeys = wishes.read('keys') !== 'off';

// ---- what the server says

async function refresh() {
  try {
    app.status = await get('/status');
    app.stream.heard();
  } catch (error) {
    if (error.status === 0) app.stream.lost();
    return;
  }
  put(byId('host'), app.status.host ?? '');
  knowVersion(app.status.version);
  screen?.refreshed?.();
}

async function readRecent() {
  const recent = await get('/recent').catch(() => null);
  if (!recent) return;
  Object.assign(app, recent);
  countMisses();
  screen?.refreshed?.();
}

function take(kind, data, id) {
  if (kind === 'hello') {
    knowVersion(data.version);
    readRecent();
  }
  if (kind === 'ended') app.ended = [data, ...app.ended].slice(0, mostRecent);
  if (kind === 'miss') {
    app.misses = [data, ...app.misses].slice(0, mostRecent);
    countMisses();
  }
  screen?.take?.(kind, data, id);
}

function countMisses() {
  const count = new Set(app.recentMisses().map((miss) => miss.client)).size;
  const mark = byId('nav').querySelector('.count');
  mark.hidden = !count;
  put(mark, String(count));
  mark.title = words.missesCount(count);
}

function knowVersion(version) {
  if (app.version && version !== app.version) upgraded(version);
  app.version = version;
}

let toldUpgrade = false;
function upgraded(version) {
  if (toldUpgrade) return;
  toldUpgrade = true;
  notice(
    'warn',
    words.upgraded(version),
    '',
    button(words.reload, () => location.reload(), { class: 'main' }),
  );
}

let lostNotice = null;
function contact(state) {
  const at = clock(app.stream.at ?? Date.now()),
    text = words.contact[state];
  put(byId('contact'), typeof text === 'function' ? text(at) : text);
  byId('contact').className = `contact ${state === 'live' ? 'good' : state === 'lost' ? 'bad' : ''}`;
  document.body.classList.toggle('old', state === 'lost' || state === 'elsewhere');
  const wanted = state === 'lost' ? words.lost(at) : state === 'elsewhere' ? words.elsewhere : '';
  if ((lostNotice?.dataset.state ?? '') === (wanted && state)) return;
  lostNotice?.remove();
  lostNotice = wanted
    ? notice(
        state === 'lost' ? 'bad' : 'warn',
        wanted,
        '',
        state === 'elsewhere' && button(words.hereAgain, () => app.stream.here(), { class: 'main' }),
      )
    : null;
  if (lostNotice) lostNotice.dataset.state = state;
}

// ---- screens

function placeOf(hash) {
  const [path, query] = hash.slice(1).split('?');
  const [name, ...rest] = path.split('/');
  const parts = rest.map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { name: Object.hasOwn(screens, name) ? name : 'now', parts, query: new URLSearchParams(query) };
}

function show(focus) {
  close();
  const place = (app.place = placeOf(location.hash));
  for (const link of byId('nav').querySelectorAll('a')) {
    if (link.hash === `#${place.name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${words.screens[place.name]} - ${words.title}`;
  const main = byId('main');
  main.replaceChildren();
  screen = screens[place.name].open(main, app);
  if (screen.query) app.stream.want(screen.query); // the log asks by itself
  if (focus) main.focus();
}

function close() {
  screen?.close?.();
  screen = null;
}

function pause() {
  const paused = byId('pause').ariaPressed !== 'true';
  byId('pause').ariaPressed = String(paused);
  put(byId('pause'), paused ? words.resume : words.pause);
  app.stream.setPaused(paused);
}

function help() {
  const dialog = byId('dialog');
  const choice = (text, on, changed) =>
    el(
      'label',
      {},
      el('input', { type: 'checkbox', checked: on, onchange: (event) => changed(event.target.checked) }),
      ` ${text}`,
    );
  dialog.replaceChildren(
    el('h2', { id: 'dialog-title' }, words.keys.title),
    el(
      'dl',
      { class: 'pairs' },
      ...words.keys.list.flatMap(([key, text]) => [el('dt', {}, el('kbd', {}, key)), el('dd', {}, text)]),
    ),
    el(
      'p',
      {},
      choice(words.keys.single, singleKeys, (on) => {
        singleKeys = on;
        wishes.write('keys', on ? 'on' : 'off');
      }),
    ),
    el(
      'p',
      {},
      choice(words.keys.utc, wishes.read('utc') === 'on', (on) => {
        wishes.write('utc', on ? 'on' : 'off');
        useUtc(on);
        show(false);
      }),
    ),
    el('p', {}, el('small', {}, words.keys.about)),
    button(words.close, () => dialog.close(), { class: 'main' }),
  );
  dialog.showModal();
}

// ---- who is here

async function logOut() {
  await fetchLogOut().catch(() => {});
  leave();
}
const fetchLogOut = () => send('DELETE', '/session');

function leave() {
  close();
  app.stream.want(null);
  setToken('');
  byId('header').hidden = true;
  lostNotice?.remove();
  lostNotice = null;
  document.body.classList.remove('old');
  start();
}

function enter(session) {
  Object.assign(app, { session, admin: session.role === 'admin' });
  setToken(session.csrf);
  put(byId('who'), `${session.name} (${session.role})`);
  byId('header').hidden = false;
  show(false);
  refresh();
}

let starting = false;
async function start() {
  if (starting) return;
  starting = true;
  const main = byId('main');
  try {
    const about = await get('', {}, true);
    knowVersion(about.version);
    const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1] ?? '';
    if (code) window.history.replaceState(null, '', location.pathname + location.search);
    if (about.needs_setup) return setUpScreen(main, code, enterAgain);
    const session = await get('/session', {}, true).catch((error) => {
      if (error.status !== 401) throw error;
    });
    if (session?.role === 'viewer' || session?.role === 'admin') return enter(session);
    logInScreen(main, enterAgain);
  } catch (error) {
    main.replaceChildren(el('p', { class: 'empty', role: 'alert' }, error.message));
    setTimeout(start, statusEvery * 1000);
  } finally {
    starting = false;
  }
}

const enterAgain = () => start();

function frame() {
  useUtc(wishes.read('utc') === 'on');
  put(byId('skip'), words.skip);
  byId('skip').addEventListener('click', () => byId('main').focus());
  put(byId('pause'), words.pause);
  byId('pause').addEventListener('click', pause);
  byId('help').ariaLabel = words.help;
  byId('help').addEventListener('click', help);
  put(byId('leave'), words.logOut);
  byId('leave').addEventListener('click', logOut);
  byId('nav').ariaLabel = words.screensName;
  byId('nav').firstElementChild.append(
    ...Object.keys(screens).map((name) =>
      el(
        'li',
        {},
        el(
          'a',
          { href: `#${name}` },
          words.screens[name],
          name === 'misses' && ' ',
          name === 'misses' && el('span', { class: 'count', hidden: true }),
        ),
      ),
    ),
  );
  addEventListener('hashchange', () => {
    if (app.session && !byId('header').hidden) show(true);
  });
  followKeys({ go: app.go, pause, help, on: () => singleKeys && !byId('header').hidden });
  onLoggedOut(() => {
    if (!byId('header').hidden) leave();
  });
  app.stream.every(statusEvery, refresh);
  start();
}

frame();
