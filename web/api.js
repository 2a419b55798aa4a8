// The HTTP API: docs/api.md. Addresses are relative, so that a proxy may mount the page below a path.
import { words } from './words.js';

const base = 'api/v1';
let csrf = '';
let loggedOut = () => {};
export const setToken = (token) => {
  csrf = token ?? '';
};
export const onLoggedOut = (work) => {
  loggedOut = work;
};

// What failed, why, and what to do next, as the server says it. `status` is 0 where no answer came.
export class ApiError extends Error {
  constructor(status, title, detail, fix, retryAfter) {
    super(detail || title);
    Object.assign(this, { status, title, detail, fix, retryAfter });
  }
}

export function errorOf(status, text, retryAfter) {
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    /* a proxy's page is not JSON */
  }
  return new ApiError(
    status,
    problem.title ?? `HTTP ${status}`,
    problem.detail ?? words.httpError(status),
    problem.fix ?? '',
    retryAfter,
  );
}

export const url = (path, query = {}) => {
  const known = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return `${base}${path}${known.length ? `?${new URLSearchParams(known)}` : ''}`;
};

export const headers = (more = {}) => ({ 'X-CSRF': csrf, ...more });

async function ask(method, address, options, silent) {
  let response;
  try {
    response = await fetch(address, {
      method,
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
      ...options,
    });
  } catch {
    throw new ApiError(0, words.noContact, words.noContact, '');
  }
  if (response.ok) return response;
  if (response.status === 401 && !silent) loggedOut();
  throw errorOf(response.status, await response.text(), Number(response.headers.get('Retry-After')) || 0);
}

async function json(response) {
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

export const get = async (path, query, silent = false) => json(await ask('GET', url(path, query), {}, silent));

/** In another form than JSON. @returns {Promise<Response>} */
export const getAs = (type, path, query) => ask('GET', url(path, query), { headers: { Accept: type } }, false);

/** The answer itself, where its headers are wanted. */
export const reply = (method, path, body) =>
  ask(
    method,
    url(path),
    { headers: headers({ 'Content-Type': 'application/json' }), body: body && JSON.stringify(body) },
    false,
  );

export const send = async (method, path, body, query) =>
  json(
    await ask(
      method,
      url(path, query),
      {
        headers: headers({ 'Content-Type': 'application/json' }),
        body: JSON.stringify(body ?? {}),
      },
      false,
    ),
  );

export const sendText = async (path, text, type, query) =>
  json(
    await ask(
      'POST',
      url(path, query),
      {
        headers: headers({ 'Content-Type': type }),
        body: text,
      },
      false,
    ),
  );

// Logging in and setting up: a refusal is the form's to show.
export const sendForm = async (path, body) =>
  json(
    await ask(
      'POST',
      url(path),
      {
        headers: headers({ 'Content-Type': 'application/json' }),
        body: JSON.stringify(body),
      },
      true,
    ),
  );

/** All pages of a list, up to `most` rows. */
export async function list(path, query = {}, most = 1000) {
  const items = [];
  let after = '';
  do {
    const page = await get(path, { ...query, after });
    items.push(...page.items);
    after = page.next ?? '';
  } while (after !== '' && items.length < most);
  return items;
}
