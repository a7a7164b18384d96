// The connection: the state, then the events from its cursor on. Whatever breaks, it begins again with the state.
import * as api from "./api.js";

const RETRY_MS = [300, 700, 1500, 3000];
const BANNER_MS = 600; // a shorter break is not worth a word

export class Link {
  /** `take(state)` gets every fresh state, `event(event)` what happens after it; `banner` is shown while there is no connection. */
  constructor(banner, { take, event }) {
    Object.assign(this, { banner, take, event, turn: 0, tries: 0, warning: null });
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  /** Begins as the person `as` (null: the first one), ending what was before. */
  async connect(as) {
    const turn = ++this.turn;
    this.as = as;
    clearTimeout(this.again);
    this.stream?.close();
    try {
      const state = await this.state();
      if (turn !== this.turn) return;
      this.as = state.me.id;
      this.take(state);
      this.stream = new api.Stream(this.as, state.cursor, {
        onopen: () => this.found(), onevent: this.event, onlost: () => this.lost(),
      });
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      if (turn === this.turn) this.lost();
    }
  }

  /** The person in the address may be gone (another data directory): then the first one speaks. */
  async state() {
    try {
      return await api.state(this.as);
    } catch (error) {
      if (error.lost || this.as === null) throw error;
      return api.state(null);
    }
  }

  found() {
    this.tries = 0;
    clearTimeout(this.warning);
    this.warning = null;
    this.banner.hidden = true;
  }

  lost() {
    this.warning ??= setTimeout(() => { this.banner.hidden = false; }, BANNER_MS);
    clearTimeout(this.again);
    this.again = setTimeout(() => this.connect(this.as), RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)]);
    this.tries += 1;
  }

  hurry() {
    if (this.warning) this.connect(this.as);
  }
}
