// The chats on the left: last line, time, unread badge; the topics of a forum under their forum.
import { arrange, h, say } from "./dom.js";
import { avatar, chatAvatar, count, oneLine, shortTime } from "./format.js";

export class List {
  /** `open(key)` is called when a chat is chosen, `link(key)` gives its address. */
  constructor(root, search, { open, link }) {
    this.root = root;
    this.search = search;
    this.open = open;
    this.link = link;
    this.items = new Map();
    this.forums = new Map();
    this.rows = h("ul", { class: "rows" });
    this.none = h("p", { class: "none" });
    root.append(this.rows, this.none);
    root.addEventListener("keydown", (event) => this.walk(event));
    search.addEventListener("keydown", (event) => this.leave(event));
  }

  /** Shows `chats` as `me` sees them; `key` is the open one, `typing` the set of those where the bot types. */
  draw({ me, bot, chats }, key, typing) {
    const wanted = this.search.value.trim().toLowerCase();
    const fits = (chat) => `${chat.title} ${chat.forum?.title ?? ""} ${chat.last?.text ?? ""}`.toLowerCase().includes(wanted);
    const shown = chats.filter((chat) => !wanted || fits(chat));
    for (const chat of shown) this.fill(this.item(chat, bot), chat, me, chat.key === key, typing.has(chat.key));
    arrange(this.rows, this.order(shown).map(([id, group]) => this.entry(id, group)));
    this.none.hidden = shown.length > 0;
    say(this.none, wanted ? "Nothing found" : "No chats yet");
  }

  /** Newest first, but an empty private chat on top: there a stranger begins. A forum stands where its newest topic would. */
  order(chats) {
    const groups = new Map();
    for (const chat of chats) {
      const id = chat.forum ? `forum ${chat.forum.id}` : chat.key;
      groups.set(id, [...(groups.get(id) ?? []), chat]);
    }
    const date = (chat) => chat.last?.date ?? (chat.kind === "private" ? Infinity : 0);
    const newest = (group) => Math.max(...group.map(date));
    return [...groups].sort(([, a], [, b]) => Math.sign(newest(b) - newest(a)) || 0);
  }

  entry(id, group) {
    const forum = group[0].forum;
    if (!forum) return this.items.get(group[0].key).row;
    const known = this.forums.get(id) ?? this.forum(id, forum);
    arrange(known.topics, group.map((chat) => this.items.get(chat.key).row));
    const unread = group.reduce((sum, chat) => sum + chat.unread, 0);
    badge(known.badge, unread);
    say(known.about, `${group.length} ${group.length === 1 ? "topic" : "topics"}`);
    return known.row;
  }

  forum(id, { id: number, title }) {
    const topics = h("ul", { class: "rows topics" });
    const about = h("span", { class: "preview" });
    const mark = h("span", { class: "badge" });
    const words = h("span", { class: "words" }, h("span", { class: "line" }, h("span", { class: "title" }, title)),
      h("span", { class: "line" }, about, mark));
    const row = h("li", { class: "forum" }, h("details", { open: true },
      h("summary", { class: "chat" }, avatar(number, title, "square"), words), topics));
    this.forums.set(id, { row, topics, about, badge: mark });
    return this.forums.get(id);
  }

  item(chat, bot) {
    const known = this.items.get(chat.key);
    if (known) return known;
    const parts = {
      title: h("span", { class: "title" }), time: h("time", { class: "time" }),
      last: h("span", { class: "preview" }), badge: h("span", { class: "badge" }),
    };
    parts.link = h("a", { class: "chat", "data-chat": chat.key, onclick: (event) => this.choose(event, chat.key) },
      chatAvatar(chat, bot),
      h("span", { class: "words" },
        h("span", { class: "line" }, parts.title, parts.time),
        h("span", { class: "line" }, parts.last, parts.badge)));
    parts.row = h("li", {}, parts.link);
    this.items.set(chat.key, parts);
    return parts;
  }

  fill(parts, chat, me, open, typing) {
    say(parts.title, chat.title);
    say(parts.time, chat.last ? shortTime(chat.last.date) : "");
    parts.link.href = this.link(chat.key);
    parts.link.classList.toggle("typing", typing);
    if (open) parts.link.setAttribute("aria-current", "true");
    else parts.link.removeAttribute("aria-current");
    const line = typing ? "typing…" : preview(chat, me);
    if (parts.last.textContent !== line) {
      const name = typing ? "" : who(chat, me);
      parts.last.replaceChildren(...(name ? [h("b", {}, name), line.slice(name.length)] : [line]));
    }
    badge(parts.badge, chat.unread);
  }

  choose(event, key) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.open(key);
  }

  links() {
    return [...this.root.querySelectorAll(".chat")].filter((link) => link.offsetParent !== null);
  }

  walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.altKey) return;
    const links = this.links();
    const next = links[links.indexOf(event.target) + step];
    event.preventDefault();
    (next ?? (step < 0 ? this.search : links.at(-1)))?.focus();
  }

  leave(event) {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      const first = this.links()[0];
      if (event.key === "Enter" && this.search.value) this.root.querySelector("a.chat")?.click();
      else first?.focus();
    } else if (event.key === "Escape" && this.search.value) {
      this.search.value = "";
      this.search.dispatchEvent(new Event("input"));
    }
  }

  /** The key of the chat `step` places away from `key`, in the order that is shown. */
  neighbour(key, step) {
    const keys = [...this.root.querySelectorAll("a.chat")].map((link) => link.dataset.chat);
    const at = keys.indexOf(key);
    return keys[at < 0 ? 0 : Math.min(Math.max(at + step, 0), keys.length - 1)];
  }
}

function who(chat, me) {
  if (!chat.last?.name) return "";
  if (chat.last.name === me.name) return "You: ";
  return chat.kind === "private" ? "" : `${chat.last.name.split(" ")[0]}: `;
}

function preview(chat, me) {
  if (!chat.last) return chat.kind === "private" ? "Say hello to begin" : "No messages yet";
  return who(chat, me) + oneLine(chat.last.text);
}

function badge(element, unread) {
  element.hidden = unread === 0;
  if (element.dataset.count === String(unread)) return;
  element.dataset.count = unread;
  element.replaceChildren(count(unread), h("span", { class: "sr" }, " unread"));
}
