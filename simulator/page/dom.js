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

/** Sets a text only when it changed, so that a redraw does not disturb a selection or a screen reader. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
export const narrow = () => matchMedia("(max-width: 720px)").matches;
