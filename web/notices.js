// What the page says above the screens, and what is copied.
import { button, code, el } from './dom.js';
import { words } from './words.js';

const spokenEvery = 10_000;
let spokenAt = 0,
  waiting = null,
  said = '';

// For those who do not see the figures: at most every ten seconds, and only what is new.
export function say(text) {
  waiting = text;
  const wait = spokenAt + spokenEvery - Date.now();
  if (wait <= 0) speak();
  else if (said !== text) setTimeout(speak, wait);
}

function speak() {
  if (waiting === null || waiting === said || Date.now() < spokenAt + spokenEvery) return;
  spokenAt = Date.now();
  said = waiting;
  document.getElementById('said').textContent = said;
}

/** A notice that stays until it is dismissed. @param {'good' | 'bad' | 'warn'} kind */
export function notice(kind, text, fix = '', action = null) {
  const box = el(
    'div',
    { class: `notice ${kind}`, role: kind === 'bad' ? 'alert' : 'status' },
    el('p', {}, text, fix && ' ', fix && code(fix)),
    action,
    button(words.dismiss, () => box.remove()),
  );
  const all = document.getElementById('notices');
  all.append(box);
  while (all.children.length > 3) all.firstElementChild.remove();
  return box;
}

/** For a failed request. */
export const complain = (error) => {
  if (error.status !== 401) notice('bad', error.message, error.fix);
};

export async function copy(text, pressed) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyBySelection(text)) return notice('warn', words.cannotCopy);
  }
  const before = pressed.textContent;
  pressed.textContent = words.copied;
  setTimeout(() => {
    pressed.textContent = before;
  }, 2000);
}

// A page that came over plain HTTP from another host has no clipboard.
function copyBySelection(text) {
  const field = el('textarea', { class: 'unseen', readonly: true });
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  return done;
}

// A fix may say where it goes before the line to type: "ap1g8 is in /EWC/17_9_4a: tftp-image-path /EWC/17_9_4a".
const typed = /^(.+): ((?:tftp|sftp)-image-path \S.*)$/;

/** What to do, with the line that somebody copies to a controller or a shell. */
export function fixLine(fix) {
  if (!fix) return null;
  const [, said = '', line = fix] = typed.exec(fix) ?? [];
  return el(
    'div',
    { class: 'fix' },
    el('div', {}, said && el('p', {}, said), el('pre', {}, line)),
    button(words.copy, (event) => copy(line, event.currentTarget), {
      class: 'copies',
      'aria-label': `${words.copy}: ${line}`,
    }),
  );
}
