// Small windows over the page: choosing a chat to forward to, making a group, a place, words for a channel.
import { h, icon } from "./dom.js";
import { avatar, chatAvatar } from "./format.js";

/** Opens a window with a title and this content; resolves with what `done(value)` was given, undefined when it was left. */
function ask(title, build) {
  return new Promise((resolve) => {
    const box = h("dialog", { class: "dialog", "aria-label": title, onclose: () => box.remove() });
    const done = (value) => {
      resolve(value);
      box.close();
    };
    box.addEventListener("cancel", () => resolve(undefined));
    box.addEventListener("click", (event) => event.target === box && done(undefined));
    box.append(h("h2", {}, title), ...[build(done)].flat());
    document.body.append(box);
    box.showModal();
  });
}

function buttons(done, words) {
  return h("div", { class: "dialog-buttons" },
    h("button", { type: "button", class: "plain", onclick: () => done(undefined) }, "Cancel"),
    h("button", { type: "submit", class: "main-button" }, words));
}

/** The chat that a message is forwarded to. */
export function chooseChat({ chats, bot }) {
  return ask("Forward to", (done) => h("ul", { class: "choices" }, chats.map((chat) => h("li", {}, h("button", {
    type: "button", class: "person", onclick: () => done(chat.key),
  }, chatAvatar(chat, bot), h("span", { class: "words" }, h("span", { class: "title" }, chat.forum ? `${chat.forum.title}: ${chat.title}` : chat.title)))))));
}

/** A new group: its name and who is in it. */
export function newGroup({ people, me }) {
  return ask("New group", (done) => {
    const name = h("input", { class: "person-name", name: "title", placeholder: "Name of the group", "aria-label": "Name of the group", maxlength: "128", required: true });
    const others = people.filter(({ id }) => id !== me.id);
    const rows = others.map((one) => h("li", {}, h("label", { class: "person" },
      h("input", { type: "checkbox", name: "person", value: one.id, checked: true }), avatar(one.id, one.name), h("span", { class: "title" }, one.name))));
    const form = h("form", { onsubmit: (event) => {
      event.preventDefault();
      const chosen = new FormData(form).getAll("person").map(Number);
      if (name.value.trim()) done({ title: name.value.trim(), people: chosen });
    } }, name, h("ul", { class: "choices" }, rows), buttons(done, "Make the group"));
    return form;
  });
}

/** A place on Earth. */
export function choosePlace() {
  return ask("Send a location", (done) => {
    const field = (name, value, most) => h("label", { class: "field" }, h("span", {}, name[0].toUpperCase() + name.slice(1)),
      h("input", { name, type: "number", step: "any", min: -most, max: most, value, required: true }));
    const form = h("form", { onsubmit: (event) => {
      event.preventDefault();
      const given = new FormData(form);
      done({ latitude: Number(given.get("latitude")), longitude: Number(given.get("longitude")) });
    } }, h("div", { class: "place-map" }, icon("place")), h("div", { class: "fields" }, field("latitude", "51.4779", 90), field("longitude", "-0.0015", 180)),
    buttons(done, "Send"));
    return form;
  });
}

/** Words that a channel posts. */
export function writePost(title) {
  return ask(title, (done) => {
    const field = h("textarea", { class: "post", rows: "4", "aria-label": "Text of the post", required: true, maxlength: "4096" });
    return h("form", { onsubmit: (event) => {
      event.preventDefault();
      done(field.value.trim() || undefined);
    } }, field, buttons(done, "Post"));
  });
}
