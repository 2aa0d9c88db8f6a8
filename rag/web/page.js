// One delegated listener: a chip opens its source and marks the passage; "Back" returns.
() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const behavior = calm ? "auto" : "smooth";
  let origin = null;

  const clear = () =>
    document.querySelectorAll(".active").forEach((element) => element.classList.remove("active"));

  const openSource = (chip) => {
    const card = document.getElementById(chip.hash.slice(1));
    if (!card) return;
    const section = card.closest(".turn-sources");
    document
      .querySelectorAll(".turn-sources")
      .forEach((other) => other.toggleAttribute("hidden", other !== section));
    card.closest("details")?.setAttribute("open", "");
    clear();
    origin = chip;
    const sentence = chip.closest(".sentence");
    [card, sentence, chip].forEach((element) => element?.classList.add("active"));
    const marks = [...card.querySelectorAll("mark")].filter((mark) =>
      mark.dataset.q.split(" ").includes(sentence?.dataset.q),
    );
    marks.forEach((mark) => mark.classList.add("active"));
    card.focus({ preventScroll: true });
    // A card taller than the window is shown where it is marked.
    const tall = card.offsetHeight > 0.7 * innerHeight && marks.length > 0;
    if (tall) marks[0].scrollIntoView({ behavior, block: "center" });
    else card.scrollIntoView({ behavior, block: "nearest" });
  };

  const goBack = (link) => {
    const target = origin?.isConnected ? origin : document.getElementById(link.hash.slice(1));
    clear();
    target?.scrollIntoView({ behavior, block: "center" });
    target?.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.cite, a.back");
    if (!link) return;
    event.preventDefault();
    if (link.matches(".cite")) openSource(link);
    else goBack(link);
  });

  // The newest exchange stays in view while it grows, until the reader scrolls or types.
  let latest = null;
  let following = false;
  for (const gesture of ["wheel", "touchmove", "keydown"]) {
    addEventListener(gesture, () => (following = false), { passive: true });
  }
  const now = document.getElementById("now");
  for (const id of ["past", "now"]) document.getElementById(id)?.setAttribute("role", "log");
  new MutationObserver(() => {
    const exchange = now.querySelector(".exchange");
    if (exchange && exchange.id !== latest) following = true;
    latest = exchange?.id ?? null;
    const block = latest === "t1" ? "nearest" : "start";
    if (following) exchange?.scrollIntoView({ behavior: "auto", block });
  }).observe(now, { childList: true, subtree: true });
}
