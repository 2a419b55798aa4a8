// What the server tells of itself while somebody looks: one stream of events a page, and questions asked again.
// A hidden page holds no connection: a browser has only six for one server, and six open tabs would hang the seventh.
// Messages have absolute figures, so one that was skipped does no harm.
import { get, url } from './api.js';

const kinds = ['hello', 'transfers', 'stalled', 'ended', 'miss', 'heard', 'import', 'health', 'log', 'gap'];
const soonest = 1000,
  firstPause = 1000,
  longestPause = 30_000;

export class Stream {
  /**
   * @param {(kind: string, data: any, id: string) => void} take
   * @param {(state: string) => void} changed connecting, live, lost, paused, away or elsewhere
   */
  constructor(take, changed) {
    this.take = take;
    this.changed = changed;
    this.query = null;
    this.works = new Set();
    this.pause = firstPause;
    document.addEventListener('visibilitychange', () => this.#follow());
    addEventListener('focus', () => this.here());
  }

  /** What is wanted; null closes the stream. @param {Record<string, string> | null} query */
  want(query) {
    this.query = query;
    this.#close();
    this.#follow();
  }

  setPaused(paused) {
    this.paused = paused;
    this.#follow();
  }

  // Somebody is at this page again, after another tab took its stream.
  here() {
    if (!this.elsewhere) return;
    this.elsewhere = false;
    this.#follow();
  }

  get watching() {
    return this.query !== null && !document.hidden && !this.paused && !this.elsewhere;
  }

  // Does `work` now, and again every so many seconds while somebody looks; soon() is for when something happened.
  every(seconds, work) {
    const job = { work };
    this.works.add(job);
    this.#run(job);
    const timer = setInterval(() => this.#run(job), seconds * 1000);
    const soon = () => {
      job.soon ??= setTimeout(() => {
        job.soon = null;
        this.#run(job);
      }, soonest);
    };
    return {
      soon,
      stop: () => {
        clearInterval(timer);
        clearTimeout(job.soon);
        this.works.delete(job);
      },
    };
  }

  heard() {
    this.at = Date.now();
    if (this.watching && this.source?.readyState === EventSource.OPEN) this.#tell('live');
  }

  lost() {
    if (this.watching) this.#tell('lost');
  }

  async #run(job) {
    if (!this.watching || job.busy) return;
    job.busy = true;
    try {
      await job.work();
    } finally {
      job.busy = false;
    }
  }

  #follow() {
    if (!this.watching) {
      this.#close();
      if (this.query !== null) this.#tell(this.paused ? 'paused' : this.elsewhere ? 'elsewhere' : 'away');
    } else if (!this.source) {
      this.#open();
      for (const job of this.works) this.#run(job);
    }
  }

  #open() {
    clearTimeout(this.again);
    const source = (this.source = new EventSource(url('/stream', this.query)));
    this.#tell(this.at ? 'lost' : 'connecting');
    source.onopen = () => {
      this.pause = firstPause;
      this.heard();
    };
    for (const kind of kinds) {
      source.addEventListener(kind, (event) => {
        this.heard();
        this.take(kind, JSON.parse(event.data), event.lastEventId);
      });
    }
    source.addEventListener('elsewhere', () => {
      this.elsewhere = true;
      this.#follow();
    });
    // The browser tries again by itself after a broken connection, and gives up after an answer that is an error.
    source.onerror = () => {
      this.lost();
      if (source.readyState === EventSource.CLOSED && this.source === source) this.#tryLater();
    };
  }

  #tryLater() {
    this.#close();
    this.again = setTimeout(async () => {
      await get('/status').catch(() => {}); // 401 leads to the login
      this.#follow();
    }, this.pause);
    this.pause = Math.min(this.pause * 2, longestPause);
  }

  #close() {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
  }

  #tell(state) {
    this.state = state;
    this.changed(state);
  }
}
