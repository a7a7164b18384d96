// Makes elements. Whatever a person or the bot wrote goes in as text nodes: there is no innerHTML on this page.

const ICONS = {
  back: "M15 5l-7 7 7 7",
  reply: "M10 8V4L3 11l7 7v-4c5 0 8 1.5 10.5 5-.5-6-4-10.5-10.5-11z",
  edit: "M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19z M13.5 7l3.5 3.5",
  copy: "M9 9h10v11H9z M15 9V4H5v11h4",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12l16-8-5.5 16-3-6.5z M11.5 13.5L20 4",
  done: "M5 12.5l4.5 4.5L19 7",
  down: "M6 9.5l6 6 6-6",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  add: "M12 5v14M5 12h14",
  wait: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  alert: "M12 7v6M12 16.5v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  attach: "M20 11.5l-8.2 8.2a5 5 0 0 1-7.1-7.1l8.6-8.6a3.4 3.4 0 0 1 4.8 4.8l-8.6 8.6a1.7 1.7 0 0 1-2.4-2.4l7.9-7.9",
  photo: "M4 5h16v14H4z M4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9.5v.01",
  file: "M6 3h8l4 4v14H6z M14 3v4h4M9 12h6M9 16h6",
  sound: "M12 4a2.8 2.8 0 0 0-2.8 2.8v4.4a2.8 2.8 0 0 0 5.6 0V6.8A2.8 2.8 0 0 0 12 4z M6.5 11.5a5.5 5.5 0 0 0 11 0M12 17v3",
  place: "M12 21c4.5-5 6.5-8 6.5-11a6.5 6.5 0 0 0-13 0c0 3 2 6 6.5 11z M12 7.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4",
  sticker: "M5 4h14v10l-6 6H5z M13 20v-6h6M9 9.5v.01M14.5 9.5v.01M9 13c1 1 2 1 3 .6",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M9 10v.01M15 10v.01M8.5 14c1.8 2.6 5.2 2.6 7 0",
  forward: "M14 8V4l7 7-7 7v-4c-5 0-8 1.5-10.5 5 .5-6 4-10.5 10.5-11z",
  stop: "M7 7h10v10H7z",
  group: "M9 11a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 9 11zM3 19c0-3.3 2.6-5.4 6-5.4s6 2.1 6 5.4M16 4.9a3 3 0 0 1 0 5.8M18 14c1.9.8 3 2.6 3 5",
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M9 6v12M15 6v12",
  block: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M5.6 5.6l12.8 12.8",
};

/** An element with attributes (`onclick` style names become listeners) and children; empty children are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function button(name, label, onclick, kind = "tool") {
  return h("button", { type: "button", class: kind, "aria-label": label, title: label, onclick }, icon(name));
}

/** Makes `parent` hold exactly `wanted`, in that order, and touches only what differs (focus and hover stay). */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.childNodes]) if (!keep.has(child)) child.remove();
  let at = parent.firstChild;
  for (const node of wanted) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
}

/**
 * Makes `parent` look like `fresh` by changing only what differs: a text that grows keeps its elements, so nothing
 * flickers, a selection stays, and a spoiler that was opened stays open.
 */
export function morph(parent, fresh) {
  const wanted = [...fresh.childNodes];
  wanted.forEach((node, at) => {
    const old = parent.childNodes[at];
    if (!old) parent.append(node);
    else if (old.nodeType === Node.TEXT_NODE && node.nodeType === Node.TEXT_NODE) grow(old, node.data);
    else if (!alike(old, node)) old.replaceWith(node);
    else if (!old.isEqualNode(node)) morph(old, node);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

function grow(node, text) {
  if (node.data === text) return;
  if (text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else node.data = text;
}

/** Whether one element may stay in place of the other: its listeners read what it holds, not what it held. */
function alike(old, node) {
  if (old.nodeName !== node.nodeName || old.nodeType !== Node.ELEMENT_NODE) return false;
  if (old.classList.contains("spoiler")) return node.classList.contains("spoiler");
  return [...node.attributes].length === old.attributes.length
    && [...node.attributes].every(({ name, value }) => old.getAttribute(name) === value);
}

/** Sets a text only when it changed, so that a redraw does not disturb a selection or a screen reader. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
export const narrow = () => matchMedia("(max-width: 720px)").matches;
