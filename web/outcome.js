// How a transfer ended, in words.
import { tag } from './dom.js';
import { percent } from './format.js';
import { words } from './words.js';

const isWhole = (row) => row.size !== null && row.size !== undefined && row.bytes >= row.size;

/** whole, partly or broke_off */
export const outcomeOf = (row) => row.outcome ?? (isWhole(row) ? 'whole' : row.trouble ? 'broke_off' : 'partly');

const kinds = { whole: 'good', partly: 'plain', broke_off: 'bad' };

export function outcomeText(row) {
  const outcome = outcomeOf(row);
  const at = outcome === 'broke_off' && row.size ? words.outcome.at(percent(row.bytes, row.size)) : '';
  return `${words.outcome[outcome] ?? outcome}${at}`;
}

/** Why, where that is more than "whole". */
export function causeText(row) {
  if (outcomeOf(row) === 'whole' && row.cause !== 'unconfirmed') return '';
  return row.detail || (words.outcome.causes[row.cause] ?? '');
}

export const outcomeNodes = (row) => [tag(kinds[outcomeOf(row)] ?? 'plain', outcomeText(row)), ` ${causeText(row)}`];

// A row's class, by how its transfer ended.
export const rowKind = (row) => (outcomeOf(row) === 'broke_off' ? 'bad' : '');
