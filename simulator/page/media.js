// What a message carries besides words, as elements: photos and albums, files, voice and audio, stickers, places.
import { fileAddress } from "./api.js";
import { h, icon } from "./dom.js";
import { bytes, duration } from "./format.js";
import { player } from "./player.js";

const WIDEST = 420; // pixels of a single photo
const HIGHEST = 460;

/** The media of the messages of one bubble (several: an album). Null where there is none. */
export function media(parts) {
  const all = parts.filter((part) => part.media).map((part) => part.media);
  if (all.length === 0) return null;
  const seen = all.filter(({ kind }) => kind === "photo" || kind === "video");
  if (seen.length === all.length && all.length > 1) return h("div", { class: `album of-${Math.min(all.length, 10)}` }, all.map((one) => picture(one)));
  return h("div", { class: "media" }, all.map(single));
}

/** The address of a file: what is on its way is shown from memory. */
const address = (one) => one.local ?? fileAddress(one.file);

function single(one) {
  if (one.gone) return h("p", { class: "gone" }, "This file was dropped to make room");
  switch (one.kind) {
    case "photo": return picture(one, true);
    case "video": return h("video", { class: "video", src: address(one), controls: true, preload: "metadata" });
    case "voice": return player(address(one), one, duration(one.duration));
    case "audio": return h("div", { class: "track" }, h("span", { class: "file-name" }, one.name || "Audio"), player(address(one), one, duration(one.duration)));
    case "sticker": return h("img", { class: "sticker", src: address(one), alt: `Sticker ${one.emoji}`, width: "160", height: "160" });
    case "location": return place(one);
    default: return file(one);
  }
}

/** A photo keeps its room before it is loaded, so that nothing jumps. */
function picture(one, alone = false) {
  if (one.gone) return h("p", { class: "gone" }, "This photo was dropped to make room");
  const inside = one.kind === "video"
    ? h("video", { src: address(one), muted: true, preload: "metadata" })
    : h("img", { src: address(one), alt: "Photo", loading: "lazy", ...(alone ? { width: one.width, height: one.height } : {}) });
  const link = h("a", { class: "photo", href: address(one), target: "_blank", rel: "noopener", "aria-label": "Open the photo" }, inside);
  if (alone && one.width) {
    const scale = Math.min(1, WIDEST / one.width, HIGHEST / one.height);
    link.style.aspectRatio = `${one.width} / ${one.height}`;
    link.style.width = `${Math.max(Math.round(one.width * scale), 120)}px`;
  }
  return link;
}

function file(one) {
  return h("a", { class: "file", href: address(one), download: one.name || "file", "aria-label": `Save ${one.name || "the file"}` },
    h("span", { class: "file-icon" }, icon("file")),
    h("span", { class: "words" }, h("span", { class: "file-name" }, one.name || "File"), h("span", { class: "file-size" }, bytes(one.size))));
}

/** A place as a drawn card: no map is fetched from anywhere. */
function place({ latitude, longitude }) {
  const words = `${Math.abs(latitude).toFixed(4)}° ${latitude < 0 ? "S" : "N"}, ${Math.abs(longitude).toFixed(4)}° ${longitude < 0 ? "W" : "E"}`;
  return h("div", { class: "place", role: "img", "aria-label": `Location ${words}` },
    h("span", { class: "place-map" }, icon("place")), h("span", { class: "place-words" }, words));
}
