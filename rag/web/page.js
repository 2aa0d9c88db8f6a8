// What the page does by itself: previews and opens sources, steps through the evidence, copies,
// saves, and tells the server what a button under an answer asks for. All of it is delegated:
// the server replaces the HTML of a turn as a whole, and nothing here is bound to an element.
() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const frame = $("#columns");
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  const isSheet = () => getComputedStyle($("#sources")).position === "fixed";
  const busy = () => $("#now .working") !== null;
  const say = (text) => ($("#said").textContent = text);

  // --- the open piece of evidence: a chip, by its place among those of its turn -----------

  let open = null; // {turn, at}
  const chipsOf = (turn) => $$(`#${turn} a.cite`);
  const chipOpen = () => (open ? chipsOf(open.turn)[open.at] : undefined);
  const latest = () => ($("#now .exchange") ?? $("#past .exchange:last-child"))?.id;

  // The marks follow from what is open, so that they outlive the server's replacing the HTML.
  const paint = () => {
    $$(".active", frame).forEach((element) => element.classList.remove("active"));
    const chip = chipOpen();
    const shown = chip ?? chipsOf(latest() ?? "none")[0];
    const steps = $("#steps .steps");
    if (steps) steps.hidden = !shown;
    const turn = chip ? open.turn : latest();
    const count = turn ? chipsOf(turn).length : 0;
    if (steps && shown)
      $(".where", steps).textContent = chip
        ? `Evidence ${open.at + 1} of ${count}`
        : `${count} ${count === 1 ? "piece" : "pieces"} of evidence`;
    if (!chip) return [];
    const card = document.getElementById(chip.hash.slice(1));
    const sentence = chip.closest(".sentence");
    [card, sentence, chip].forEach((element) => element?.classList.add("active"));
    const marks = card && sentence
      ? $$("mark", card).filter((mark) => mark.dataset.q.split(" ").includes(sentence.dataset.q))
      : [];
    marks.forEach((mark) => mark.classList.add("active"));
    return marks;
  };

  const showTurn = (turn) =>
    $$(".turn-sources").forEach((part) => part.toggleAttribute("hidden", part.id !== `sources-${turn}`));

  const openSource = (chip) => {
    const card = document.getElementById(chip.hash.slice(1));
    if (!card) return;
    const turn = chip.closest(".exchange").id;
    showTurn(turn);
    card.closest("details")?.setAttribute("open", "");
    open = { turn, at: chipsOf(turn).indexOf(chip) };
    const marks = paint();
    hidePreview();
    frame.classList.add("sheet");
    card.focus({ preventScroll: true });
    const panel = $("#sources");
    const tall = card.offsetHeight > 0.7 * panel.clientHeight && marks.length > 0;
    // Only the panel moves, and the answer no more than it takes to see the sentence.
    const top = tall ? marks[0].getBoundingClientRect().top - 0.3 * panel.clientHeight
                     : card.getBoundingClientRect().top - 56;
    panel.scrollBy({ top: top - panel.getBoundingClientRect().top, behavior });
    const block = isSheet() ? "start" : "nearest";
    (chip.closest(".sentence") ?? chip).scrollIntoView({ behavior, block });
  };

  const closeSource = () => {
    const chip = chipOpen();
    open = null;
    frame.classList.remove("sheet");
    paint();
    (chip ?? $("#question textarea")).focus({ preventScroll: isSheet() });
  };

  const step = (by) => {
    const turn = open?.turn ?? latest();
    const chips = turn ? chipsOf(turn) : [];
    if (!chips.length) return;
    const at = open ? (open.at + by + chips.length) % chips.length : by > 0 ? 0 : chips.length - 1;
    openSource(chips[at]);
    say(`Evidence ${at + 1} of ${chips.length}`);
  };

  // --- the preview of a chip ---------------------------------------------------------------

  const preview = document.createElement("div");
  preview.id = "preview";
  preview.hidden = true;
  preview.innerHTML =
    '<p class="of" dir="auto"></p><div class="quotes"></div><button type="button">Open the source</button>';
  $(".gradio-container").append(preview);
  let previewed = null;
  let waiting = 0;

  const quotesOf = (chip) => {
    const card = document.getElementById(chip.hash.slice(1));
    const number = chip.closest(".sentence")?.dataset.q;
    const marks = card
      ? $$("mark", card).filter((mark) => mark.dataset.q.split(" ").includes(number))
      : [];
    const quotes = [];
    let last = null;
    for (const mark of marks) {
      // A quote that another sentence shares in part is split into marks that touch.
      if (last && last.nextSibling === mark) quotes[quotes.length - 1] += mark.textContent;
      else quotes.push(mark.textContent);
      last = mark;
    }
    return quotes;
  };

  const showPreview = (chip) => {
    clearTimeout(waiting);
    const card = document.getElementById(chip.hash.slice(1));
    if (!card || chip === previewed) return;
    hidePreview();
    $(".of", preview).textContent = $("h3 span:last-child", card).textContent;
    const quotes = quotesOf(chip).map((quote) => {
      const line = document.createElement("p");
      line.dir = "auto";
      line.textContent = quote.length > 320 ? `${quote.slice(0, 320)} …` : quote;
      return line;
    });
    $(".quotes", preview).replaceChildren(...quotes);
    preview.hidden = false;
    previewed = chip;
    chip.setAttribute("aria-describedby", "preview");
    const at = chip.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = preview;
    const left = Math.max(8, Math.min(at.left + at.width / 2 - width / 2, innerWidth - width - 8));
    const above = at.top - height - 8;
    preview.style.left = `${left}px`;
    preview.style.top = `${above >= 8 ? above : Math.min(at.bottom + 8, innerHeight - height - 8)}px`;
  };

  const hidePreview = () => {
    clearTimeout(waiting);
    previewed?.removeAttribute("aria-describedby");
    previewed = null;
    preview.hidden = true;
  };

  const hidePreviewSoon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(hidePreview, 220);
  };

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const chip = event.target.closest?.("a.cite");
    if (chip) {
      clearTimeout(waiting);
      waiting = setTimeout(() => showPreview(chip), previewed ? 0 : 130);
    } else if (event.target.closest?.("#preview")) clearTimeout(waiting);
    else if (previewed || waiting) hidePreviewSoon();
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("a.cite:focus-visible")) showPreview(event.target);
    else if (!event.target.closest?.("#preview")) hidePreview();
  });
  document.addEventListener("scroll", () => previewed && hidePreviewSoon(), { passive: true, capture: true });

  // --- buttons -----------------------------------------------------------------------------

  const fill = (field, text) => {
    const kind = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const press = (button) => setTimeout(() => button.click(), 30); // once the field's value is in
  const wish = (act, turn) => {
    fill($("#wish :is(textarea, input)"), JSON.stringify({ act, turn }));
    press($(act === "retry" ? "#wish-again" : "#wish-other"));
    if (act === "edit" || act === "cancel") $("#question textarea").focus();
  };
  // What cannot be undone asks for a second press; leaving the button takes the first one back.
  const sure = (button) => {
    if (button.dataset.label) return true;
    button.dataset.label = button.textContent;
    button.textContent = button.matches(".every") ? "Delete all for good" : "Delete for good";
    button.addEventListener(
      "blur",
      () => {
        button.textContent = button.dataset.label;
        delete button.dataset.label;
      },
      { once: true },
    );
    button.focus();
    return false;
  };
  const rename = (row) => {
    const opens = $(".open", row);
    const field = document.createElement("input");
    field.value = opens.textContent;
    field.maxLength = 200;
    field.setAttribute("aria-label", "Name of the chat");
    opens.replaceWith(field);
    field.focus();
    field.select();
    let left = false; // Enter leaves the field, too
    const leave = (name) => {
      if (left) return;
      left = true;
      field.replaceWith(opens);
      if (name === null || name === opens.textContent) return;
      opens.textContent = name;
      askPast("rename", row.dataset.chat, name);
    };
    field.addEventListener("blur", () => leave(field.value));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") leave(field.value);
      else if (event.key === "Escape") leave(null);
      else return;
      event.stopPropagation();
      event.preventDefault(); // or the button that gets the focus would take the key, too
      opens.focus();
    });
  };
  const askPast = (act, chat, name = "") => {
    fill($("#past-wish :is(textarea, input)"), JSON.stringify({ act, chat, name }));
    press($("#past-go"));
  };
  const past = (button) => {
    const act = button.dataset.past;
    const row = button.closest("li");
    if (act === "rename") rename(row);
    else if (act === "open" || sure(button)) askPast(act, row?.dataset.chat ?? "");
  };
  const put = (question) => {
    fill($("#question textarea"), question);
    press($("#send"));
    $("#question textarea").focus({ preventScroll: true });
  };
  const copy = async (button) => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Not on an address that the browser trusts: the old way.
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    const label = (button.dataset.label ??= button.textContent);
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => (button.textContent = label), 1600);
  };

  // One question at a time: Gradio would take a second, or drop one right after "Stop".
  let asked = 0;
  const guard = (event) => {
    const wished = event.target.closest?.("#wish-again");
    const isSend = event.type === "click" && (wished || event.target.closest?.("#send"));
    const isEnter = event.key === "Enter" && !event.shiftKey && event.target.closest?.("#question");
    if (!isSend && !isEnter) return;
    if (busy() || Date.now() - asked < 1500) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (wished || $("#question textarea").value.trim()) asked = Date.now();
  };
  addEventListener("click", guard, true);
  addEventListener("keydown", guard, true);

  let touched = false;
  document.addEventListener("pointerdown", (event) => (touched = event.pointerType === "touch"));
  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("a.cite, a.back, button");
    if (target?.matches(".limiting > button")) tellUnfolded();
    const card = event.target.closest?.(".source.long");
    if (previewed && !event.target.closest?.("#preview, a.cite")) hidePreview();
    if (!target) {
      const folds = event.target.closest?.("summary");
      if (card && !folds && !getSelection().toString()) unfold(card, true);
      return;
    }
    if (target.matches("a.cite")) {
      event.preventDefault();
      // A finger cannot hover: its first touch previews, its second opens.
      if (touched && event.detail && previewed !== target) showPreview(target);
      else openSource(target);
    } else if (target.matches("a.back")) {
      event.preventDefault();
      closeSource();
    } else if (target.closest("#preview")) openSource(previewed);
    else if (target.matches(".more")) unfold(card, !card.classList.contains("open"));
    else if (target.matches(".all")) unfoldChips(target);
    else if (target.dataset.copy) copy(target);
    else if (target.dataset.step) step(Number(target.dataset.step));
    else if (target.matches("#steps .close")) closeSource();
    else if (target.matches(".to-sources")) {
      showTurn(`t${target.dataset.turn}`);
      frame.classList.add("sheet");
      $("#sources").focus({ preventScroll: true });
    } else if (target.matches("#help-open")) help();
    else if (target.matches("#keys .done")) $("#keys").close();
    else if (busy()) return;
    else if (target.dataset.past) past(target);
    else if (target.matches(".ask")) put(target.textContent);
    else if (target.dataset.act) wish(target.dataset.act, Number(target.dataset.turn));
  });

  const tellUnfolded = () =>
    setTimeout(() => {
      for (const button of $$(".limiting > button"))
        button.setAttribute("aria-expanded", String(button.classList.contains("open")));
    });
  tellUnfolded();
  // The server closes it when another collection is chosen.
  const dock = { subtree: true, attributeFilter: ["class"] };
  new MutationObserver(tellUnfolded).observe($("#dock"), dock);

  const unfold = (card, whole) => {
    card.classList.toggle("open", whole);
    const button = $(".more", card);
    button.textContent = whole ? "Less" : "Whole abstract";
    button.setAttribute("aria-expanded", String(whole));
  };

  // --- topics --------------------------------------------------------------------------------

  document.addEventListener("change", ({ target }) => {
    const topics = target.closest?.(".topics");
    if (!topics) return;
    const ticked = $$("input:checked", topics).map((box) => box.value);
    const picked = $(".picked :is(textarea, input)", topics.closest(".limiting"));
    fill(picked, ticked.length ? JSON.stringify(ticked) : "");
  });
  const unfoldChips = (button) => {
    const others = button.previousElementSibling;
    const show = others.hidden;
    others.hidden = !show;
    button.setAttribute("aria-expanded", String(show));
    button.textContent = show ? "Fewer" : button.dataset.more;
    if (show) $("input", others).focus();
  };

  document.addEventListener("footnote-save", ({ detail }) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([detail.text], { type: "text/plain;charset=utf-8" }));
    link.download = detail.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    say(`Saved ${detail.name}`);
  });

  // --- keys --------------------------------------------------------------------------------

  const KEYS = "footnote-keys";
  const keysOn = $("#keys-on");
  keysOn.checked = localStorage.getItem(KEYS) !== "off";
  keysOn.addEventListener("change", () => localStorage.setItem(KEYS, keysOn.checked ? "on" : "off"));
  const help = () => $("#keys").showModal();
  const actions = {
    n: () => step(1), j: () => step(1), p: () => step(-1), k: () => step(-1),
    "/": () => $("#question textarea").focus(), "?": help,
  };
  document.addEventListener("keydown", (event) => {
    if ($("#keys").open) return;
    if (event.key === "Escape") {
      if (previewed) hidePreview();
      else if (open || frame.classList.contains("sheet")) closeSource();
      return;
    }
    const writing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (writing || event.ctrlKey || event.metaKey || event.altKey || !keysOn.checked) return;
    if (!frame.checkVisibility?.()) return; // another tab of the page is open
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  // --- while an answer is written -----------------------------------------------------------

  // The newest exchange stays in view while it grows, until the reader scrolls or types.
  let current = null;
  let following = false;
  for (const gesture of ["wheel", "touchmove", "keydown"]) {
    addEventListener(gesture, () => (following = false), { passive: true });
  }
  // Screen readers hear that work began and what came of it, not every step.
  let working = false;
  const tell = (exchange) => {
    const now = exchange?.classList.contains("working") ?? false;
    if (now && !working) say("Searching the papers and writing.");
    if (exchange && !now && working) {
      const sentences = $$(".sentence", exchange).length;
      const problem = $(".problem", exchange)?.textContent ?? "";
      const refused = $(".refusal > b", exchange)?.textContent ?? "";
      const account = $(".account span", exchange)?.textContent ?? "";
      say(problem || refused || `The answer is there: ${sentences} sentences. ${account}.`);
    }
    working = now;
  };
  new MutationObserver(() => {
    const exchange = $("#now .exchange");
    asked = 0;
    const grown = exchange?.dataset.seen !== "yes";
    if (exchange && exchange.id !== current) {
      following = true;
      open = null;
      frame.classList.remove("sheet");
    }
    if (exchange) exchange.dataset.seen = "yes";
    current = exchange?.id ?? null;
    if (!grown && exchange) return;
    hidePreview();
    paint();
    tell(exchange);
    const block = current === "t1" ? "nearest" : "start";
    if (following && working) exchange?.scrollIntoView({ behavior: "auto", block });
  }).observe($("#now"), { childList: true, subtree: true });
  new MutationObserver(paint).observe($("#panel"), { childList: true, subtree: true });
  paint();
}
