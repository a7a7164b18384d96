// The message that is just being written: a bubble that grows, with a Stop button where the bot can be stopped.
import { h, icon, morph } from "./dom.js";
import { rich } from "./rich.js";

export class Draft {
  /** `stop(id)` is called by the button, `gone()` when its time is over. */
  constructor({ stop, gone }, act) {
    Object.assign(this, { act, gone, id: null });
    this.text = h("div", { class: "text" });
    this.button = h("button", { type: "button", class: "stop", "aria-label": "Stop the answer", onclick: () => stop(this.id) },
      icon("stop"), "Stop");
    this.row = h("div", { class: "row theirs first last draft", "aria-live": "off" },
      h("div", { class: "bubble" }, this.text), this.button);
  }

  get shown() {
    return this.id !== null;
  }

  /** Shows a draft of the simulator as it is now; null: it is gone. */
  show(draft) {
    clearTimeout(this.timer);
    this.id = draft?.id ?? null;
    if (!draft) return;
    const words = draft.text ? rich(draft.text, draft.entities, this.act) : h("span", { class: "thinking" }, "Thinking…");
    const fresh = h("div", {}, words, h("span", { class: "caret", "aria-hidden": "true" }));
    morph(this.text, fresh);
    this.button.hidden = !draft.can_stop;
    this.timer = setTimeout(() => {
      this.show(null);
      this.gone();
    }, draft.left_ms);
  }
}
