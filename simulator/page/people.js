// The picker of who speaks: every person of the simulator, and a field to add another one.
import { button, h, icon } from "./dom.js";
import { avatar } from "./format.js";

const LANGUAGES = { en: "English", zh: "中文", ja: "日本語", es: "Español", ru: "Русский", de: "Deutsch" };

export class Picker {
  /** `choose(id)`, `add(name)` and `language(code)` are called with what was picked; `small` shows the face only. */
  constructor(root, { choose, add, language, small = false }) {
    Object.assign(this, { root, choose, add, small });
    this.toggle = h("button", {
      type: "button", class: "speaker", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.show(this.panel.hidden),
    });
    this.rows = h("ul", { class: "people" });
    this.name = h("input", { class: "person-name", placeholder: "Add a person", "aria-label": "Name of a new person", maxlength: "64" });
    // Not a form: the composer around the small picker is one already.
    const adding = h("div", { class: "adding" }, h("span", { class: "avatar plus", "aria-hidden": "true" }, icon("add")),
      this.name, button("done", "Add this person", () => this.create()));
    this.tongue = h("select", { class: "tongue", "aria-label": "Language of this person's app", onchange: () => language(this.tongue.value) },
      Object.entries(LANGUAGES).map(([code, name]) => h("option", { value: code }, name)));
    const spoken = h("label", { class: "spoken" }, h("span", {}, "App language"), this.tongue);
    this.panel = h("div", { class: "panel", role: "dialog", "aria-label": "Who speaks", hidden: true },
      h("p", { class: "panel-title" }, "Speak as"), this.rows, adding, spoken);
    root.append(this.toggle, this.panel);
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("focusout", (event) => event.relatedTarget && !root.contains(event.relatedTarget) && this.show(false));
    document.addEventListener("pointerdown", (event) => root.contains(event.target) || this.show(false));
  }

  /** Shows who there is, and beside the names who commands: everywhere, and in the open `chat`. */
  draw({ people, me }, chat) {
    const tags = ({ id, tag }) => [tag, chat?.roles[id]].filter(Boolean).map((word) => h("span", { class: "tag" }, word));
    const mine = people.find(({ id }) => id === me.id);
    const words = h("span", { class: "words" },
      h("span", { class: "tagged" }, h("span", { class: "speaker-hint" }, "You are"), tags(mine)), h("span", { class: "title" }, me.name));
    this.tongue.value = mine.language;
    this.toggle.setAttribute("aria-label", `You speak as ${me.name}. Change`);
    this.toggle.title = `You speak as ${me.name}`;
    this.toggle.replaceChildren(avatar(me.id, me.name), ...(this.small ? [] : [words, icon("down")]));
    this.rows.replaceChildren(...people.map((person) => h("li", {}, h("button", {
      type: "button", class: "person", "data-person": person.id, "aria-current": person.id === me.id && "true",
      onclick: () => this.pick(person.id),
    }, avatar(person.id, person.name), h("span", { class: "words" }, h("span", { class: "title" }, person.name),
      h("span", { class: "tagged" }, person.username && h("span", { class: "preview" }, `@${person.username}`), tags(person))),
    person.id === me.id && icon("done")))));
  }

  show(on) {
    if (this.panel.hidden === !on) return;
    this.panel.hidden = !on;
    this.toggle.setAttribute("aria-expanded", String(on));
    if (on) this.rows.querySelector("[aria-current]")?.focus();
    else this.name.value = "";
  }

  pick(id) {
    this.show(false);
    this.toggle.focus();
    this.choose(id);
  }

  create() {
    const name = this.name.value.trim();
    if (!name) return this.name.focus();
    this.show(false);
    this.toggle.focus();
    this.add(name);
  }

  key(event) {
    if (this.panel.hidden) return;
    if (event.key === "Escape") {
      this.show(false);
      this.toggle.focus();
    } else if (event.key === "Enter" && event.target === this.name) {
      this.create();
    } else if (event.target === this.tongue) {
      return;
    } else {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      const stops = [...this.rows.querySelectorAll("button"), this.name];
      stops[(stops.indexOf(event.target) + step + stops.length) % stops.length].focus();
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
