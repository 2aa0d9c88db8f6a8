"use strict";
// Filters of the questions; a link to a source opens it. Without scripts everything is there.
const form = document.querySelector(".filters");
const items = [...document.querySelectorAll(".item")];
const texts = items.map((item) => item.textContent.toLowerCase());
const kinds = [...form.querySelectorAll("[data-kind]")];
let kind = "";

function show() {
  const type = form.elements.type.value;
  const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  items.forEach((item, at) => {
    const fits = (!kind || item.dataset.kinds.split(" ").includes(kind))
      && (!type || item.dataset.type === type)
      && words.every((word) => texts[at].includes(word));
    item.hidden = !fits;
    shown += fits;
  });
  form.querySelector("output").value = `${shown} of ${items.length} shown`;
}

kinds.forEach((button) => button.addEventListener("click", () => {
  kind = button.dataset.kind;
  kinds.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  show();
}));
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
form.elements.unfold.addEventListener("click", () => {
  const open = form.elements.unfold.getAttribute("aria-pressed") !== "true";
  form.elements.unfold.setAttribute("aria-pressed", String(open));
  form.elements.unfold.textContent = open ? "fold all" : "unfold all";
  items.forEach((item) => { item.open = open; });
});
document.addEventListener("click", (event) => {
  const chip = event.target.closest("a.cite");
  const sentence = chip && chip.closest(".sentence");
  document.querySelectorAll(".active").forEach((one) => one.classList.remove("active"));
  if (!sentence) return;
  sentence.classList.add("active");
  chip.closest(".item").querySelectorAll("mark").forEach((mark) => {
    mark.classList.toggle("active", mark.dataset.q.split(" ").includes(sentence.dataset.q));
  });
});
function reach() {
  const at = document.getElementById(location.hash.slice(1));
  const item = at && at.closest(".item");
  if (!item) return;
  item.hidden = false;
  item.open = true;
  at.scrollIntoView();
}
addEventListener("hashchange", reach);
form.hidden = false;
show();
reach();
