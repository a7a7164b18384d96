// Telegram's entities as elements. Offsets are UTF-16 units, which is how JavaScript counts, so they are used as they are.
import { button, h, icon } from "./dom.js";

const PLAIN = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code" };
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}[\p{Emoji_Modifier}\u{FE0F}\u{200D}\p{Extended_Pictographic}]*\s*){1,3}$/u;

/**
 * The text with its entities as a fragment.
 * `act.command(text)` and `act.mention(text)` are called when one is chosen.
 */
export function rich(text, entities, act) {
  const known = (entities ?? [])
    .filter((entity) => entity.offset >= 0 && entity.length > 0 && entity.offset < text.length)
    .sort((a, b) => a.offset - b.offset || b.length - a.length);
  return build(text, 0, text.length, known, act);
}

export const isEmoji = (text, entities) => !entities?.length && EMOJI_ONLY.test(text);

function build(text, from, to, entities, act) {
  const out = document.createDocumentFragment();
  let at = from;
  for (let i = 0; i < entities.length; ) {
    const entity = entities[i++];
    if (entity.offset < at) continue;
    const end = Math.min(entity.offset + entity.length, to);
    const inner = [];
    while (i < entities.length && entities[i].offset < end) inner.push(entities[i++]);
    out.append(text.slice(at, entity.offset));
    out.append(wrap(entity, text.slice(entity.offset, end), build(text, entity.offset, end, inner, act), act));
    // A block ends its own line: the line break that follows it would show as an empty line.
    at = BLOCKS.has(entity.type) && text[end] === "\n" ? end + 1 : end;
  }
  out.append(text.slice(at, to));
  return out;
}

function wrap(entity, text, content, act) {
  if (PLAIN[entity.type]) return h(PLAIN[entity.type], {}, content);
  switch (entity.type) {
    case "pre": return codeBlock(entity.language, content);
    case "blockquote": return h("blockquote", {}, content);
    case "expandable_blockquote": return expandable(content);
    case "spoiler": return spoiler(content);
    case "url": return link(/^[a-z][a-z0-9+.-]*:/iu.test(text) ? text : `https://${text}`, content);
    case "text_link": return link(entity.url, content);
    case "email": return link(`mailto:${text}`, content);
    case "bot_command": return chip(content, (event) => act.command(event.currentTarget.textContent));
    case "mention": return chip(content, (event) => act.mention(event.currentTarget.textContent));
    case "text_mention": return h("span", { class: "chip" }, content);
    case "hashtag":
    case "cashtag": return h("span", { class: "chip" }, content);
    default: return content;
  }
}

function link(target, content) {
  const safe = /^(https?:|mailto:)/iu.test(target ?? "");
  if (!safe) return h("span", { class: "chip" }, content);
  return h("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, content);
}

function chip(content, onclick) {
  return h("button", { type: "button", class: "chip", onclick }, content);
}

function spoiler(content) {
  const element = h("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Hidden text, show it" }, content);
  const show = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    if (element.classList.contains("shown")) return;
    event.preventDefault();
    event.stopPropagation();
    element.classList.add("shown");
    for (const name of ["role", "tabindex", "aria-label"]) element.removeAttribute(name);
  };
  element.addEventListener("click", show);
  element.addEventListener("keydown", show);
  return element;
}

/** A quotation of which only the first lines show until it is opened. */
function expandable(content) {
  const toggle = h("button", { type: "button", class: "unfold", "aria-label": "Show all or less", onclick: (event) => {
    event.currentTarget.parentElement.classList.toggle("open");
  } }, icon("down"));
  return h("blockquote", { class: "expandable" }, toggle, h("span", { class: "folded" }, content));
}

function codeBlock(language, content) {
  const copy = button("copy", "Copy code", async ({ currentTarget: it }) => {
    await navigator.clipboard?.writeText(it.closest(".code-block").querySelector("code").textContent);
    it.classList.add("done");
    setTimeout(() => it.classList.remove("done"), 1200);
  }, "copy");
  const head = h("span", { class: "code-head" }, h("span", {}, language || "code"), copy);
  return h("span", { class: "code-block" }, head, h("pre", { tabindex: "0" }, h("code", {}, content)));
}
