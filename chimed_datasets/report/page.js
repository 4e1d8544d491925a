// The report's page. What comes from the data is set as text, never as HTML.
(function () {
  "use strict";

  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 30;
  const ERRORS = 1; // vega.Error: the bundle's own `vega` is null

  // --- the theme ------------------------------------------------------------------------------

  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("chimed-theme"); } catch { /* a file may have no storage */ }

  function theme() {
    return chosen || (system.matches ? "dark" : "light");
  }

  function paint() {
    root.dataset.theme = theme();
    button.setAttribute("aria-pressed", String(theme() === "dark"));
    drawCharts();
  }

  button.addEventListener("click", () => {
    chosen = theme() === "dark" ? "light" : "dark";
    try { localStorage.setItem("chimed-theme", chosen); } catch { /* likewise */ }
    paint();
  });
  system.addEventListener("change", paint);

  // --- the charts -----------------------------------------------------------------------------

  let drawing = 0;

  async function drawCharts() {
    const turn = ++drawing;
    for (const place of document.querySelectorAll("[data-chart]")) {
      if (turn !== drawing) return;
      const name = place.dataset.chart;
      const config = structuredClone(data.themes[theme()]);
      const narrow = place.clientWidth < 420;
      config.axis.labelLimit = Math.min(260, Math.round(place.clientWidth * (narrow ? 0.5 : 0.4)));
      if (narrow) {
        config.axis.labelFontSize = config.text.fontSize = 11;
        config.legend.columns = 2;
      }
      const tooltip = { theme: theme() };
      const options = { actions: false, renderer: "svg", config, tooltip, logLevel: ERRORS };
      const shown = await vegaEmbed(place, data.specs[name], options);
      shown.view.description(data.titles[name]);
    }
    root.dataset.drawn = theme();
  }

  // --- the lists ------------------------------------------------------------------------------

  const joined = (pieces) => pieces.map((piece) => piece[1]).join("");

  for (const drop of data.drops) {
    drop.reason = drop.stage + ": " + drop.rule;
    drop.said = drop.texts.map(([place, pieces]) => [place, joined(pieces)]);
  }

  function words(item) {
    const parts = item.labels
      ? item.texts.map((t) => t[1]).concat(Object.values(item.labels))
      : [item.evidence, item.key, ...item.said.map((t) => t[1]), item.twin ? item.twin.text || "" : "", item.twin ? item.twin.id : ""]
          .concat(item.exams.map((e) => e.item + " " + e.text));
    return (item.id + "\n" + parts.join("\n")).toLowerCase();
  }

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

  // Put text into an element, with masks and what was searched for marked.
  function put(place, text, sought) {
    const known = data.marks.concat(sought).filter(Boolean).map(escaped);
    if (!known.length) { place.append(text); return place; }
    for (const part of text.split(new RegExp("(" + known.join("|") + ")", "i"))) {
      if (data.marks.includes(part)) place.append(element("span", "mask", part));
      else if (sought.includes(part.toLowerCase())) place.append(element("mark", "", part));
      else place.append(part);
    }
    return place;
  }

  function block(who, text, sought, className) {
    const made = element("div", "text " + (className || ""));
    made.append(element("span", "who", who));
    return put(made, text, sought);
  }

  // A block of a text of which some pieces went, came or are shared; `signs`: those to show.
  function changedBlock(who, pieces, sought, className, signs = "=-+*…") {
    const made = block(who, "", sought, className);
    for (const [sign, text] of pieces) {
      if (!signs.includes(sign)) continue;
      const name = { "-": "del", "+": "ins", "*": "b" }[sign];
      const place = name ? element(name, "") : made;
      put(place, text, sought);
      if (name) made.append(place);
    }
    return made;
  }

  function rowBody(row, sought) {
    const body = element("div", "body");
    const labels = element("div", "labels");
    for (const [name, value] of Object.entries({ id: row.id, ...row.labels })) {
      labels.append(element("span", "", name + ": " + value));
    }
    body.append(labels);
    const sides = element("div", "pair");
    for (const [who, text] of row.texts) {
      const name = who.split(",")[0]; // of "chosen, reasoning" too
      const side = { good: "chosen", bad: "rejected" }[name] || name;
      const rival = side === "chosen" || side === "rejected";
      (rival ? sides : body).append(block(who, text, sought, rival ? side : ""));
    }
    if (sides.childElementCount) body.append(sides);
    return body;
  }

  function dropBody(drop, sought) {
    const body = element("div", "body");
    const labels = element("div", "labels");
    labels.append(element("span", "", "id: " + drop.id), element("span", "", "from: " + drop.key));
    const sides = element("div", "pair");
    const says = block("what the ledger says", drop.evidence || "·", sought, "rejected");
    if (drop.beside) {
      body.append(labels, says);
      sides.append(changedBlock("dropped: what it alone says is marked", drop.beside, sought, "rejected", "=+"));
    } else {
      sides.append(says);
      body.append(labels);
    }
    if (drop.twin) {
      const where = drop.twin.config ? drop.twin.config + ", " + drop.twin.source + ", " : "";
      const name = "kept instead: " + where + drop.twin.id;
      sides.append(
        drop.beside ? changedBlock(name, drop.beside, sought, "chosen", "=-")
          : block(name, drop.twin.text || "·", sought, "chosen"));
    }
    for (const exam of drop.exams) {
      sides.append(block(exam.benchmark + " " + exam.item + ", the text they share", exam.text, sought));
    }
    body.append(sides);
    if (!drop.beside) {
      for (const [place, pieces] of drop.texts) body.append(changedBlock(place, pieces, sought));
    }
    for (const step of drop.steps) {
      for (const [place, pieces] of step.changes) {
        body.append(changedBlock(step.stage + " changed " + place, pieces, sought, "step"));
      }
    }
    return body;
  }

  function entry(item, sought, isRow) {
    const made = element("details");
    const head = element("summary");
    head.append(element("span", "tag kind", isRow ? item.config : item.reason));
    head.append(element("span", "tag", item.source));
    if (isRow) head.append(element("span", "tag", item.split));
    if (item.labels && item.labels.department) head.append(element("span", "tag", item.labels.department));
    const kept = !isRow && item.twin && item.twin.text;
    if (kept) head.append(put(element("span", "tag"), item.evidence, sought));
    const own = isRow ? "" : (item.said.find((t) => t[0] === "text") || item.said.find((t) => t[0] !== "department") || ["", ""])[1];
    if (own && !kept && item.evidence) head.append(put(element("span", "tag"), item.evidence, sought));
    const first = isRow ? item.texts[0][1] : own || (kept ? "kept: " + kept : item.evidence || item.key);
    head.append(put(element("span", "first"), first.slice(0, 160), sought));
    made.append(head);
    made.addEventListener("toggle", () => {
      if (made.open && made.childElementCount === 1) {
        made.append(isRow ? rowBody(item, sought) : dropBody(item, sought));
      }
    });
    return made;
  }

  function options(select, items, key) {
    const counts = new Map();
    for (const item of items) counts.set(item[key], (counts.get(item[key]) || 0) + 1);
    select.append(new Option("all (" + items.length + ")", ""));
    for (const [value, count] of counts) {
      const of = key === "reason" ? items.find((item) => item.reason === value).of : count;
      const told = of === count ? count.toLocaleString("en") : count + " of " + of.toLocaleString("en");
      select.append(new Option(value + " (" + told + ")", value));
    }
  }

  function list(section) {
    const items = data[section.dataset.list];
    const isRow = section.dataset.list === "rows";
    const search = section.querySelector("input");
    const selects = [...section.querySelectorAll("select")];
    const place = section.querySelector(".list");
    const more = section.querySelector(".more");
    const text = items.map(words);
    let found = [];
    let sought = [];
    let shown = 0;

    for (const select of selects) options(select, items, select.dataset.key);

    function grow(focus) {
      const next = found.slice(shown, shown + PAGE).map((i) => entry(items[i], sought, isRow));
      place.append(...next);
      shown += next.length;
      more.hidden = shown >= found.length;
      if (focus && next.length) next[0].querySelector("summary").focus();
      section.querySelector(".count").textContent =
        found.length ? shown + " of " + found.length + " shown" : "nothing found";
    }

    function refresh() {
      sought = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      found = items.map((_, i) => i).filter((i) =>
        selects.every((s) => !s.value || items[i][s.dataset.key] === s.value) &&
        sought.every((word) => text[i].includes(word)));
      section.dataset.sought = search.value;
      place.replaceChildren();
      shown = 0;
      grow(false);
    }

    let waiting;
    search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(refresh, 80); });
    for (const select of selects) select.addEventListener("change", refresh);
    section.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    more.addEventListener("click", () => grow(true));
    refresh();
  }

  // --- the keyboard ---------------------------------------------------------------------------

  function inView() {
    const drops = document.getElementById("drops");
    return drops.getBoundingClientRect().top < innerHeight / 2 ? drops : document.getElementById("rows");
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing) {
      event.preventDefault();
      inView().querySelector("input").focus();
    } else if (event.key === "Escape" && typing) {
      event.target.blur();
    } else if ((event.key === "j" || event.key === "k") && !typing) {
      const heads = [...document.querySelectorAll(".list summary")];
      const at = heads.indexOf(document.activeElement);
      const first = heads.indexOf(inView().querySelector(".list summary"));
      const next = at < 0 ? heads[first] : heads[at + (event.key === "j" ? 1 : -1)];
      if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
    }
  });

  for (const section of document.querySelectorAll("[data-list]")) list(section);
  paint();
})();
