// The running transfers, kept by their number from one message of the stream to the next.
const kept = 0.7; // of the rate so far; the rest is of the last message

export class Transfers {
  constructor() {
    this.rows = new Map();
  }

  /** @param {{full?: boolean, at: number, rows?: any[], add?: any[], move?: number[][], end?: any[][]}} message */
  take(message) {
    const { at } = message;
    if (message.full) this.rows = new Map();
    for (const row of [...(message.rows ?? []), ...(message.add ?? [])]) this.rows.set(row.id, { ...row, at });
    for (const [id, bytes, resent] of message.move ?? []) this.#move(this.rows.get(id), bytes, resent, at);
    for (const [id] of message.end ?? []) this.rows.delete(id);
  }

  stall(id, since) {
    const row = this.rows.get(id);
    if (row) Object.assign(row, { state: 'stalled', since });
  }

  #move(row, bytes, resent, at) {
    if (!row) return;
    const seconds = (at - row.at) / 1000;
    if (seconds > 0) row.rate = (row.rate ?? 0) * kept + (Math.max(0, bytes - row.bytes) / seconds) * (1 - kept);
    if (bytes > row.bytes) row.state = 'moving';
    Object.assign(row, { bytes, at, resent: resent ?? row.resent });
  }
}

export const isStalled = (row) => row.state === 'stalled';
export const left = (row) =>
  row.state === 'moving' && row.size && row.rate > 0 ? (row.size - row.bytes) / row.rate : Infinity;
