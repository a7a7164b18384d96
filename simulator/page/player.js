// A voice message or a piece of music: a round play button, a line that fills, the time.
import { h, icon } from "./dom.js";
import { duration } from "./format.js";

let playing = null; // one at a time, as in every messenger

/** An element that plays `src`; `length` is shown until it is known. */
export function player(src, { emoji = "", name = "" }, length) {
  const audio = new Audio();
  audio.preload = "none";
  const time = h("span", { class: "time" }, length);
  const done = h("span", { class: "played" });
  const button = h("button", { type: "button", class: "play", "aria-label": `Play ${name || "the voice message"}`, onclick: toggle }, icon("play"));
  const line = h("span", { class: "track-line", onclick: (event) => seek(event) }, done);
  audio.addEventListener("timeupdate", () => {
    done.style.width = `${(audio.currentTime / (audio.duration || 1)) * 100}%`;
    time.textContent = duration(audio.currentTime);
  });
  for (const change of ["play", "pause", "ended"]) audio.addEventListener(change, () => button.replaceChildren(icon(audio.paused ? "play" : "pause")));
  audio.addEventListener("error", () => { time.textContent = "cannot be played"; });
  return h("div", { class: "player" }, button, line, time, emoji);

  function toggle() {
    if (!audio.src) audio.src = src;
    if (!audio.paused) return audio.pause();
    if (playing && playing !== audio) playing.pause();
    playing = audio;
    return audio.play().catch(() => {}); // the error event has told
  }

  function seek(event) {
    if (!Number.isFinite(audio.duration)) return;
    const { left, width } = line.getBoundingClientRect();
    audio.currentTime = ((event.clientX - left) / width) * audio.duration;
  }
}
