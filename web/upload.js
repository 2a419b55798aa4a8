// One file on its way to the server, in pieces, so that a line that was cut costs one piece: docs/api.md, "Uploads".
// XMLHttpRequest, because fetch tells nothing of what has been sent.
import { errorOf, headers, reply, send, url } from './api.js';

const mebi = 2 ** 20;
const largestPiece = 32 * mebi,
  smallestPiece = mebi / 2;
const pauses = [1, 2, 5, 10, 20]; // seconds, before each try after a cut
const tooLarge = 413,
  otherOffset = 409,
  gone = 404;
const isLasting = (status) => status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429;

export class Upload {
  /**
   * @param {File} file
   * @param {(upload: Upload) => void} changed
   */
  constructor(file, changed) {
    this.file = file;
    this.changed = changed;
    this.key = `${file.name} ${file.size} ${Math.random()}`;
    this.state = 'waiting'; // uploading, paused, again (a pause after a cut), cut (gave up), refused, sent
    this.offset = 0;
    this.sent = 0;
    this.began = Date.now();
    this.from = 0;
    this.piece = largestPiece;
    this.tries = 0;
    this.error = null;
  }

  get isOpen() {
    return !['refused', 'sent'].includes(this.state);
  }

  async start() {
    this.#set('uploading');
    try {
      if (!this.id) await this.#announce();
      Object.assign(this, { began: Date.now(), from: this.offset }); // for the rate
      while (this.state === 'uploading' && this.offset < this.file.size) await this.#sendPiece();
      if (this.state === 'uploading') this.#set('sent');
    } catch (error) {
      if (this.state === 'uploading') this.#failed(error);
    }
  }

  pause() {
    clearTimeout(this.timer);
    this.#set('paused');
    this.request?.abort();
  }

  resume() {
    this.tries = 0;
    this.error = null;
    this.#goOn();
  }

  async cancel() {
    this.pause();
    if (this.id) await send('DELETE', `/uploads/${this.id}`).catch(() => {});
  }

  // 200 in place of 201: a part of this very file is there, from before.
  async #announce() {
    const { name, size, lastModified } = this.file;
    const asked = { name, size, last_modified: new Date(lastModified).toISOString() };
    const answer = await reply('POST', '/uploads', asked);
    this.id = answer.headers.get('Location').split('/').pop();
    this.#take(answer);
  }

  async #sendPiece() {
    const piece = this.file.slice(this.offset, this.offset + this.piece);
    const { status, text, retryAfter, offset } = await this.#patch(piece);
    if (status >= 200 && status < 300) {
      this.offset = this.sent = this.offset + piece.size;
      this.tries = 0;
      this.error = null;
      return this.changed(this);
    }
    if (status === tooLarge && this.piece > smallestPiece) {
      this.piece = Math.max(this.piece / 2, smallestPiece);
      return;
    }
    if (status === otherOffset && offset !== null) {
      const before = this.offset;
      await this.#askOffset();
      if (this.offset !== before) return;
    }
    throw errorOf(status, text, retryAfter);
  }

  #patch(piece) {
    return new Promise((resolve) => {
      const request = (this.request = new XMLHttpRequest());
      request.open('PATCH', url(`/uploads/${this.id}`));
      for (const [name, value] of Object.entries(
        headers({ 'Content-Type': 'application/octet-stream', 'Upload-Offset': String(this.offset) }),
      ))
        request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => {
        this.sent = this.offset + event.loaded;
        this.changed(this);
      };
      request.onloadend = () =>
        resolve({
          status: request.status,
          text: request.responseText,
          retryAfter: 0,
          offset: request.getResponseHeader('Upload-Offset'),
        });
      request.send(piece);
    });
  }

  // GET, because some proxies forbid HEAD.
  async #askOffset() {
    this.#take(await reply('GET', `/uploads/${this.id}`));
  }

  #take(answer) {
    this.offset = this.sent = Number(answer.headers.get('Upload-Offset') ?? 0);
  }

  #failed(error) {
    this.error = error;
    this.sent = this.offset;
    if (isLasting(error.status) && error.status !== gone) return this.#set('refused');
    if (error.status === gone) this.id = null; // swept, or a new server: announced again
    if (this.tries >= pauses.length) return this.#set('cut');
    this.wait = pauses[this.tries++];
    this.timer = setTimeout(() => this.#goOn(), this.wait * 1000);
    this.#set('again');
  }

  // After a cut only the server knows how much has come.
  async #goOn() {
    if (this.id) {
      try {
        await this.#askOffset();
      } catch (error) {
        return this.#failed(error);
      }
    }
    this.start();
  }

  #set(state) {
    this.state = state;
    this.changed(this);
  }
}
