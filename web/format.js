// How numbers and times are written: SI sizes, ISO dates, a clock of 24 hours, in the zone of this browser or in UTC.
const units = ['B', 'kB', 'MB', 'GB', 'TB'];
const pad = (number) => String(number).padStart(2, '0');
const minute = 60,
  hour = 60 * minute,
  day = 24 * hour;

/** @param {number | null | undefined} count */
export function bytes(count) {
  if (count === null || count === undefined) return '-';
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) {
    count /= 1000;
    ++unit;
  }
  return `${unit && count < 100 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

export const rate = (perSecond) => (perSecond ? `${bytes(perSecond)}/s` : '-');

// 70512640 as "70,512,640".
export const exact = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ',');

// "1:38", "2:10:07"; "-" for what nobody knows.
export function span(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '-';
  const whole = Math.round(seconds),
    rest = `${pad(Math.floor(whole / minute) % 60)}:${pad(whole % minute)}`;
  return whole < hour ? rest.replace(/^0/, '') : `${Math.floor(whole / hour)}:${rest}`;
}

// "12 d 3 h", "3 h 20 min", "4 min".
export function age(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole >= day) return `${Math.floor(whole / day)} d ${Math.floor((whole % day) / hour)} h`;
  if (whole >= hour) return `${Math.floor(whole / hour)} h ${Math.floor((whole % hour) / minute)} min`;
  return `${Math.floor(whole / minute)} min`;
}

export const percent = (part, all) => (all ? Math.floor((part / all) * 100) : 0);

let utc = false;
export const useUtc = (wanted) => {
  utc = wanted;
};

const parts = (date) =>
  utc
    ? [
        date.getUTCFullYear(),
        date.getUTCMonth() + 1,
        date.getUTCDate(),
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCSeconds(),
      ]
    : [date.getFullYear(), date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];

/** @param {string | number | null | undefined} at a time as the server writes it, or milliseconds since 1970 */
export function clock(at) {
  if (at === null || at === undefined) return '-';
  const [, , , hours, minutes, seconds] = parts(new Date(at));
  return `${pad(hours)}:${pad(minutes)}:${pad(seconds)}`;
}

export function date(at) {
  const [year, month, dayOfMonth] = parts(new Date(at));
  return `${year}-${pad(month)}-${pad(dayOfMonth)}`;
}

// The clock today, else with the date before it: "02:13:28", "2026-11-19 21:02".
export function when(at) {
  if (at === null || at === undefined) return '-';
  return date(at) === date(Date.now()) ? clock(at) : `${date(at)} ${clock(at).slice(0, 5)}`;
}

export const moment = (at) => (at === null || at === undefined ? '-' : `${date(at)} ${clock(at)}`);

// What an <input type="datetime-local"> holds, as the server wants it, and the other way round.
export const fromInput = (text) => (text ? new Date(utc ? `${text}Z` : text).toISOString() : '');
export const toInput = (at) => (at ? `${date(at)}T${clock(at).slice(0, 5)}` : '');

export const fileOf = (path) =>
  String(path ?? '')
    .replace(/\/+$/, '')
    .split('/')
    .pop();
