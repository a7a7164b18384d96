// Where the conversation stands: it follows new messages while the reader is at the bottom, and stays put otherwise.
import { calm, h, icon } from "./dom.js";
import { count } from "./format.js";

const NEAR_PIXELS = 80; // as good as the bottom
const STUCK_MS = 1200; // how long the day stays in sight after scrolling
const EDGE_PIXELS = 300; // so far from the top older messages are fetched

export class Scroll {
  /** `top()` is called near the oldest message, `bottom()` whenever the newest comes into view. */
  constructor(scroller, down, { top, bottom }) {
    Object.assign(this, { scroller, down, top, bottom, near: true, count: 0 });
    this.badge = h("span", { class: "badge", hidden: true });
    down.append(icon("down"), this.badge);
    down.addEventListener("click", () => this.toBottom(true));
    scroller.addEventListener("scroll", () => this.moved(), { passive: true });
    for (const name of ["wheel", "touchmove"]) scroller.addEventListener(name, () => this.showDay(), { passive: true });
    new ResizeObserver(() => this.follow()).observe(scroller);
  }

  get missed() {
    return this.count;
  }

  set missed(value) {
    this.count = value;
    this.badge.textContent = count(value);
    this.badge.hidden = value === 0;
    this.down.setAttribute("aria-label", value ? `Scroll to ${value} new messages` : "Scroll to the newest message");
  }

  moved() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.near = scrollHeight - scrollTop - clientHeight < NEAR_PIXELS;
    this.down.hidden = this.near;
    if (this.near) {
      this.missed = 0;
      this.bottom();
    }
    if (scrollTop < EDGE_PIXELS) this.top();
  }

  showDay() {
    this.scroller.classList.add("scrolling");
    clearTimeout(this.stuck);
    this.stuck = setTimeout(() => this.scroller.classList.remove("scrolling"), STUCK_MS);
  }

  /** A chat was opened: at the line above its `missed` unread messages if there is one, else at the bottom. */
  start(unread, missed) {
    this.missed = missed;
    this.near = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    if (unread) {
      const above = unread.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top - 12;
      if (above < 0) this.scroller.scrollTop += above;
    }
    this.moved();
  }

  follow() {
    if (this.near) this.toBottom(false);
  }

  toBottom(smooth) {
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: smooth && !calm() ? "smooth" : "instant" });
  }

  /** Runs `change`, which adds messages above, without moving what is being read. */
  keep(change) {
    const below = this.scroller.scrollHeight - this.scroller.scrollTop;
    change();
    this.scroller.scrollTop = this.scroller.scrollHeight - below;
  }
}
