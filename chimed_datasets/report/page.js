// The report's page. What comes from the data is set as text, never as HTML.
(function () {
  "use strict";

  const data = JSON.parse(document.getElementById("data").textContent);
  const store = data.whole ? serverStore() : embeddedStore(data);
  const LISTS = ["rows", "drops"];
  const PAGE = 30;
  const POLL = 500; // milliseconds between two questions for counts that still grow
  const ERRORS = 1; // vega.Error: the bundle's own `vega` is null

  const number = (n) => n.toLocaleString("en");

  // Say an English text in the language of the page; a {name} in it is a field.
  const _ = (text, fields = {}) => (data.words[text] || text).replace(/\{(\w+)\}/g, (whole, name) => (name in fields ? fields[name] : whole));
  // What comes with the data in few words, such as a tag or a place of a text.
  const named = (word) => data.words[word] || word;
  const whoSays = (who) => who.split(", ").map(named).join(_(", "));
  const DIFFERS = "differs in ";
  const tagOf = (tag) => (tag.startsWith(DIFFERS) ? _("differs in {what}", { what: named(tag.slice(DIFFERS.length)) }) : named(tag));
  const N_ = (text) => text; // for what is said later

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) say(made, text);
    return made;
  }

  const HAN = /[\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]/u;

  // Mark what is Chinese: it is read aloud, and drawn, as such.
  function tongue(made, text) {
    if (HAN.test(text)) made.lang = "zh-Hans";
    return made;
  }

  function say(made, text) {
    made.textContent = text;
    return tongue(made, text);
  }

  function kept(key, value) {
    try {
      if (value === undefined) return localStorage.getItem(key);
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch { /* a file may have no storage */ }
    return null;
  }

  // --- the address: #rows.config=sft&rows.q=…&open=ID -----------------------------------------

  let state = parse(location.hash);

  function parse(hash) {
    const found = { rows: {}, drops: {}, open: "" };
    if (!hash.includes("=")) return found;
    for (const [name, value] of new URLSearchParams(hash.slice(1))) {
      const [list, key] = name.split(".");
      if (name === "open") found.open = value;
      else if (LISTS.includes(list) && (key === "q" || FACETS[list].includes(key)) && value) found[list][key] = value;
    }
    return found;
  }

  function format(of) {
    const parts = new URLSearchParams();
    for (const list of LISTS) {
      for (const key of ["q", ...FACETS[list]]) if (of[list][key]) parts.set(list + "." + key, of[list][key]);
    }
    if (of.open) parts.set("open", of.open);
    return "#" + parts;
  }

  // Go to another state; `replaces`: one that is no step of its own for "back".
  function go(next, replaces) {
    const hash = format(next);
    if (hash !== format(state)) {
      try {
        history[replaces ? "replaceState" : "pushState"](null, "", hash);
      } catch {
        if (replaces) location.replace(hash);
        else location.hash = hash;
      }
    }
    return apply(next);
  }

  // Other filters, and no open record: the one that was may not be among them.
  const withList = (list, own) => ({ ...state, [list]: own, open: "" });

  function apply(next) {
    const before = state;
    state = next;
    return Promise.all(LISTS.map((list) => {
      const same = JSON.stringify(before[list]) === JSON.stringify(next[list]);
      return same ? null : views[list].refresh();
    })).then(() => showOpen(before.open));
  }

  addEventListener("hashchange", () => {
    if (location.hash.includes("=") || location.hash.length < 2) apply(parse(location.hash));
  });

  function jump(place) {
    place.scrollIntoView({ block: "start" });
    const head = place.querySelector("h2") || place;
    if (!head.matches("summary")) head.tabIndex = -1;
    head.focus({ preventScroll: true });
  }

  // A link within the page leads to a part of it, which is no state, or to another state.
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href^='#']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const hash = link.getAttribute("href");
    if (!hash.includes("=")) {
      jump(document.getElementById(hash.slice(1)));
      return;
    }
    const next = parse(hash);
    if (next.open) {
      go({ ...state, open: next.open }).then(showLinked);
      return;
    }
    const list = LISTS.find((name) => Object.keys(next[name]).length) || "rows";
    go(withList(list, next[list])).then(() => jump(document.getElementById(list)));
  });

  // --- the theme ------------------------------------------------------------------------------

  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = kept("chimed-theme");

  const theme = () => chosen || (system.matches ? "dark" : "light");

  function colour() {
    root.dataset.theme = theme();
    button.textContent = theme() === "dark" ? _("Switch to light") : _("Switch to dark");
  }

  function paint() {
    colour();
    drawCharts();
  }

  colour();

  button.addEventListener("click", () => {
    chosen = theme() === "dark" ? "light" : "dark";
    kept("chimed-theme", chosen);
    paint();
  });
  system.addEventListener("change", paint);

  // --- the charts -----------------------------------------------------------------------------

  let drawing = 0;

  async function drawCharts() {
    const turn = ++drawing;
    for (const place of document.querySelectorAll("[data-chart]")) {
      await new Promise((done) => setTimeout(done)); // the lists come first
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
      const shown = await vegaEmbed(place, data.charts[name].spec, options);
      shown.view.description(data.charts[name].says || data.charts[name].title);
      const filters = data.charts[name].filters;
      if (filters) {
        place.classList.add("clicks");
        shown.view.addEventListener("click", (_, item) => item && item.datum && choose(filters, item.datum));
      }
    }
    root.dataset.drawn = theme();
  }

  // Show what a mark of a chart stands for, and nothing else.
  function choose(filters, datum) {
    const own = {};
    for (const key of filters.keys) {
      if (!FACETS[filters.list].includes(key)) continue;
      const value = key === "length" ? lengthOf(datum) : datum[key];
      if (value !== undefined && value !== null && value !== "") own[key] = String(value);
    }
    if (!Object.keys(own).length) return;
    go(withList(filters.list, own)).then(() => jump(document.getElementById(filters.list)));
  }

  function lengthOf(datum) {
    if (Number.isFinite(datum.least)) return datum.least + "-" + (datum.most ?? "");
    const bin = data.bins.find((one) => one.label === datum.length);
    return bin ? bin.value : "";
  }

  // --- votes ----------------------------------------------------------------------------------

  const VOTES = "chimed-votes:" + data.fingerprint;
  const WORDS = {
    rows: { yes: ["good", "✓ " + _("Good")], no: ["bad", "✗ " + _("Bad")] },
    drops: { yes: ["right", "✓ " + _("Right to drop")], no: ["wrong", "✗ " + _("Wrongly dropped")] },
  };
  const SIGNS = { good: "✓", right: "✓", bad: "✗", wrong: "✗" };
  let votes = new Map();
  try {
    votes = new Map(Object.entries(JSON.parse(kept(VOTES) || "{}")));
  } catch { /* another's: begin anew */ }

  function vote(list, id, verdict) {
    const old = votes.get(id);
    if (!verdict || (old && old.verdict === verdict)) votes.delete(id);
    else votes.set(id, { list, verdict, reason: old ? old.reason : "" });
    storeVotes();
  }

  function storeVotes() {
    kept(VOTES, votes.size ? JSON.stringify(Object.fromEntries(votes)) : null);
    for (const made of document.querySelectorAll(".list details")) showVote(made);
    listVotes();
  }

  function showVote(made) {
    const given = votes.get(made.dataset.id);
    const sign = made.querySelector(".voted-sign");
    sign.textContent = given ? SIGNS[given.verdict] : "";
    sign.setAttribute("aria-label", given ? _("your vote: {verdict}", { verdict: named(given.verdict) }) : "");
    sign.hidden = !given;
    made.dataset.vote = given ? given.verdict : "";
    for (const one of made.querySelectorAll(".vote button")) {
      one.setAttribute("aria-pressed", String(Boolean(given) && one.dataset.verdict === given.verdict));
    }
    const reason = made.querySelector(".vote label");
    if (reason) {
      reason.hidden = !given;
      const input = reason.querySelector("input");
      if (input !== document.activeElement) input.value = given ? given.reason : "";
    }
  }

  function voteBar(list, id) {
    const bar = element("div", "vote");
    for (const way of ["yes", "no"]) {
      const [verdict, text] = WORDS[list][way];
      const made = element("button", way, text);
      made.type = "button";
      made.dataset.verdict = verdict;
      made.addEventListener("click", () => vote(list, id, verdict));
      bar.append(made);
    }
    const reason = element("label", "", _("Reason") + " ");
    const input = element("input");
    input.type = "text";
    input.maxLength = 200;
    input.addEventListener("input", () => {
      const given = votes.get(id);
      if (given) given.reason = input.value;
      storeVotes();
    });
    reason.append(input);
    bar.append(reason);
    return bar;
  }

  const votesPart = document.getElementById("votes");

  function listVotes() {
    const place = votesPart.querySelector(".voted");
    place.replaceChildren();
    let away = 0;
    for (const [id, given] of votes) {
      const line = element("li");
      const link = element("a", "", id);
      link.href = "#open=" + encodeURIComponent(id);
      line.append(element("span", "sign", SIGNS[given.verdict] + " " + named(given.verdict) + " "), link);
      if (given.reason) line.append(" ", element("span", "", given.reason));
      place.append(line);
      away += given.list === "rows" && given.verdict === "bad";
    }
    votesPart.querySelector(".count").textContent = votes.size
      ? _(votes.size === 1 ? N_("{votes} vote, {away} to take down") : N_("{votes} votes, {away} to take down"), { votes: number(votes.size), away: number(away) })
      : _("no votes yet");
    votesPart.querySelector("[data-export=takedowns]").disabled = !away;
    votesPart.querySelector("[data-export=verdicts]").disabled = !votes.size;
    votesPart.querySelector("[data-export=forget]").disabled = !votes.size;
  }

  const oneLine = (text) => text.split(/\s+/).filter(Boolean).join(" ");

  // The file that `chimed takedown` and a recipe read: an id a line, and the reason behind it.
  function takedowns() {
    const lines = ["# Records of " + oneLine(data.name) + " (build " + data.fingerprint + ") that a reader voted out."];
    for (const [id, given] of votes) {
      if (given.list === "rows" && given.verdict === "bad") lines.push((id + " " + oneLine(given.reason)).trim());
    }
    return lines.join("\n") + "\n";
  }

  function verdicts() {
    return [...votes].map(([id, { verdict, reason }]) => JSON.stringify({ id, verdict, reason: oneLine(reason) }) + "\n").join("");
  }

  function save(name, type, text) {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  votesPart.addEventListener("click", (event) => {
    const what = event.target.dataset.export;
    if (what === "takedowns") save("takedowns.txt", "text/plain", takedowns());
    if (what === "verdicts") save("verdicts.jsonl", "application/x-ndjson", verdicts());
    if (what === "forget" && confirm(_("Forget all votes on this build?"))) {
      votes.clear();
      storeVotes();
    }
  });

  // --- a record -------------------------------------------------------------------------------

  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

  // Put text into an element, with masks and what was searched for marked.
  function put(place, text, sought) {
    tongue(place, text);
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
    made.append(element("span", "who", whoSays(who)));
    made.append(put(element("span"), text, sought));
    return made;
  }

  // A reasoning trace is long, and folded.
  function trace(who, text, sought, className) {
    const made = element("details", "trace text " + (className || ""));
    made.append(element("summary", "who", _("{who} ({chars} characters)", { who: whoSays(who), chars: number(text.length) })));
    made.append(put(element("span"), text, sought));
    made.open = sought.some((word) => text.toLowerCase().includes(word));
    return made;
  }

  // A block of a text of which some pieces went, came or are shared; `signs`: those to show.
  function changedBlock(who, pieces, sought, className, signs = "=-+*…") {
    const made = element("div", "text " + (className || ""));
    const place = element("span");
    made.append(element("span", "who", whoSays(who)), place);
    for (const [sign, text] of pieces) {
      if (!signs.includes(sign)) continue;
      const name = { "-": "del", "+": "ins", "*": "b", "…": "i" }[sign];
      tongue(place, text);
      const part = name ? element(name) : place;
      put(part, text, sought);
      if (name) place.append(part);
    }
    return made;
  }

  function labelsOf(pairs) {
    const labels = element("div", "labels");
    for (const [name, value] of pairs) if (value) labels.append(element("span", "", named(name) + _(": ") + value));
    return labels;
  }

  function putTexts(body, texts, sought) {
    const sides = element("div", "pair");
    const places = {};
    for (const [who, text] of texts) {
      const name = who.split(",")[0]; // of "chosen, reasoning" too
      const side = { good: "chosen", bad: "rejected" }[name] || name;
      const rival = side === "chosen" || side === "rejected";
      const make = who.endsWith(", reasoning") ? trace : block;
      const made = make(who, text, sought, rival ? side : "");
      if (!rival) { body.append(made); continue; }
      if (!places[side]) sides.append((places[side] = element("div", "side")));
      places[side].append(made);
    }
    if (sides.childElementCount) body.append(sides);
  }

  function stepsInto(body, steps, sought) {
    for (const step of steps || []) {
      for (const [place, pieces] of step.changes) {
        body.append(changedBlock(_("{stage} changed {place}", { stage: step.stage, place: whoSays(place) }), pieces, sought, "step"));
      }
      if (step.more) body.append(element("p", "note", _("{stage} changed {more} more texts", { stage: step.stage, more: step.more })));
    }
  }

  function linkTo(id, text) {
    const link = element("a", "", text);
    link.href = "#open=" + encodeURIComponent(id);
    return link;
  }

  function rowBody(row, sought) {
    const body = element("div", "body");
    body.append(voteBar("rows", row.id), labelsOf([["id", row.id], ["characters", number(row.chars)], ...Object.entries(row.labels)]));
    putTexts(body, row.texts, sought);
    if (row.replies) {
      const counts = { rows: number(row.rows), first: row.replies.length };
      body.append(element("p", "note", row.rows > row.replies.length
        ? _("{rows} rows have this prompt, the first {first}:", counts)
        : _("{rows} rows have this prompt:", counts)));
      for (const reply of row.replies) {
        const one = element("div", "reply");
        one.append(labelsOf([["id", reply.id], ...Object.entries(reply.labels)]));
        putTexts(one, reply.texts, sought);
        body.append(one);
      }
    }
    for (const other of row.beside || []) {
      const told = element("p", "note", named(other.why) + ": ");
      told.append(linkTo(other.id, other.id));
      body.append(told);
      if (!other.pieces) continue;
      const sides = element("div", "pair");
      sides.append(
        changedBlock(_("this record: what it alone says is marked"), other.pieces, sought, "other", "=+…"),
        changedBlock(_("the other one"), other.pieces, sought, "other", "=-…"));
      body.append(sides);
    }
    if (row.steps && row.steps.length) body.append(element("p", "note", _("Before and after: what the stages changed.")));
    stepsInto(body, row.steps, sought);
    return body;
  }

  function dropBody(drop, sought) {
    const body = element("div", "body");
    body.append(voteBar("drops", drop.id), labelsOf([["id", drop.id], ["from", drop.key]]));
    const why = data.reasons[drop.stage + "/" + drop.rule];
    if (why) body.append(element("p", "reason", why));
    const sides = element("div", "pair");
    const says = block(_("what the ledger says"), drop.evidence || "·", sought, drop.beside ? "" : "rejected");
    if (drop.beside) {
      body.append(says);
      sides.append(changedBlock(_("dropped: what it alone says is marked"), drop.beside, sought, "rejected", "=+…"));
    } else {
      sides.append(says);
    }
    if (drop.twin) {
      const where = drop.twin.config ? drop.twin.config + ", " + drop.twin.source + ", " : "";
      const name = _("kept instead: {record}", { record: where + drop.twin.id });
      const made = drop.beside
        ? changedBlock(name, drop.beside, sought, "chosen", "=-…")
        : block(name, drop.twin.text || "·", sought, "chosen");
      sides.append(made);
    }
    for (const exam of drop.exams) {
      sides.append(block(_("{item}, the text they share", { item: exam.benchmark + " " + exam.item }), exam.text, sought));
    }
    body.append(sides);
    if (!drop.beside) {
      for (const [place, pieces] of drop.texts) body.append(changedBlock(place, pieces, sought));
    }
    if (!drop.texts.length && !drop.beside) {
      body.append(element("p", "note", _("The build kept no text of it: `chimed explain DIR {id}` reads it from its source.", { id: drop.id })));
    }
    stepsInto(body, drop.steps, sought);
    return body;
  }

  const joined = (pieces) => pieces.map((piece) => piece[1]).join("");

  const EXCERPT = 160;

  // The beginning of a text, or of several what is round the first word that was searched for.
  function excerpt(texts, sought) {
    for (const text of sought.length ? texts : []) {
      const small = text.toLowerCase();
      const at = Math.min(...sought.map((word) => small.indexOf(word)).filter((place) => place >= 0));
      if (Number.isFinite(at)) return at < EXCERPT / 2 ? text.slice(0, EXCERPT) : "…" + text.slice(at - 40, at - 40 + EXCERPT);
    }
    return (texts[0] || "").slice(0, EXCERPT);
  }

  // The line of a record that is still closed.
  function headOf(list, item, sought) {
    const head = element("summary");
    const sign = element("span", "voted-sign");
    sign.setAttribute("role", "img");
    head.append(sign);
    if (list === "rows") {
      head.append(element("span", "tag kind", item.config), element("span", "tag", item.source), element("span", "tag", item.split));
      if (item.department) head.append(element("span", "tag", item.department));
      for (const tag of item.tags) head.append(element("span", "tag mark-tag", tag === "several replies" ? _("{rows} rows", { rows: number(item.rows) }) : tagOf(tag)));
      const texts = item.texts.concat(...(item.replies || []).map((reply) => reply.texts)).map((t) => t[1]);
      head.append(put(element("span", "first"), excerpt(texts, sought), sought));
      return head;
    }
    head.append(element("span", "tag kind", item.stage + ": " + item.rule), element("span", "tag", item.source));
    const said = item.texts.map(([place, pieces]) => [place, joined(pieces)]);
    const own = (said.find((t) => t[0] === "text") || said.find((t) => t[0] !== "department") || ["", ""])[1];
    if (own && item.evidence) head.append(put(element("span", "tag", _("evidence:") + " "), item.evidence, sought));
    const texts = [own || item.evidence || item.key, ...said.map((t) => t[1])];
    head.append(put(element("span", "first"), excerpt(texts, sought), sought));
    return head;
  }

  function entry(list, item, sought) {
    const made = element("details");
    made.dataset.id = item.id;
    made.append(headOf(list, item, sought));
    made.addEventListener("toggle", () => {
      if (made.open) {
        fill(list, made, item, sought);
        if (state.open !== item.id) go({ ...state, open: item.id });
      } else if (state.open === item.id) {
        go({ ...state, open: "" }, true);
      }
    });
    showVote(made);
    return made;
  }

  async function fill(list, made, item, sought) {
    if (made.dataset.filled) return;
    made.dataset.filled = "yes";
    try {
      const whole = store.whole ? (await store.get(list, item.id, item.config)).item : item;
      made.append(list === "rows" ? rowBody(whole, sought) : dropBody(whole, sought));
    } catch (error) {
      delete made.dataset.filled;
      made.append(element("p", "note body", String(error.message)));
    }
    showVote(made);
  }

  // --- the record that the address names ------------------------------------------------------

  const entryOf = (id) => document.querySelector(".list details[data-id='" + CSS.escape(id) + "']");

  async function showOpen(before) {
    const id = state.open;
    if (before && before !== id) {
      const old = entryOf(before);
      if (old) old.open = false;
    }
    if (!id) return;
    let made = entryOf(id);
    if (!made) {
      const found = await store.get("", id).catch(() => null);
      if (state.open !== id) return;
      if (!found) {
        views.rows.tell(store.whole
          ? _("The record {id} is not in this build.", { id })
          : _("The record {id} is not in this sample: `chimed report --serve` has all.", { id }));
        return;
      }
      made = entryOf(found.item.id) || views[found.list].putFirst(found.item);
    }
    made.open = true;
  }

  function showLinked() {
    const made = state.open && document.querySelector(".list details[open]" + "[data-id]") && entryOf(state.open);
    const shown = made || [...document.querySelectorAll(".list details[open]")].pop();
    if (shown) {
      shown.scrollIntoView({ block: "start" });
      shown.querySelector("summary").focus({ preventScroll: true });
    }
  }

  // --- the lists ------------------------------------------------------------------------------

  const LABEL = {
    length: (value) => _("{range} characters", { range: (data.bins.find((bin) => bin.value === value) || { label: value.replace("-", "–") }).label }),
    tag: (value) => tagOf(value),
  };
  const ORDER = {
    config: data.order.config, split: data.order.split, stage: data.order.stage,
    length: data.bins.map((bin) => bin.value),
  };

  function labelOf(key, value) {
    if (value === NONE) return _("none");
    return LABEL[key] ? LABEL[key](value) : value;
  }

  function sorted(key, counts) {
    const order = ORDER[key];
    const place = (value) => (order && order.includes(value) ? order.indexOf(value) : 1e6);
    return counts.sort((a, b) => place(a[0]) - place(b[0]) || b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  }

  function view(section) {
    const list = section.dataset.list;
    const search = section.querySelector("input[type=search]");
    const selects = [...section.querySelectorAll("select")];
    const place = section.querySelector(".list");
    const more = section.querySelector(".more");
    const count = section.querySelector(".count");
    const why = section.querySelector(".why");
    const total = data.lists[list].total;
    const COUNTED = list === "rows"
      ? [N_("{rows} of {total} rows"), N_("{rows} of {total} rows so far, {seen} % looked through"), N_("{rows} of {of} sampled rows (of {total})"), ""]
      : [N_("{rows} of {total} dropped records"), N_("{rows} of {total} dropped records so far, {seen} % looked through"), N_("{rows} of {of} sampled dropped records (of {total})"), N_("{rows} of {of} sampled dropped records (of {total}); in the whole build {meant}")];
    let turn = 0;
    let shown = 0;
    let sought = [];

    function options(facets, done) {
      for (const select of selects) {
        const key = select.dataset.key;
        const value = state[list][key] || "";
        const counts = facets[key];
        const label = select.parentElement;
        select.disabled = !counts;
        if (!counts) {
          label.hidden = done;
          select.replaceChildren(new Option(_("being counted…"), ""));
          continue;
        }
        const known = sorted(key, [...counts]);
        if (value && !known.some((pair) => pair[0] === value)) known.unshift([value, 0]);
        const made = known.map(([one, n]) => tongue(new Option(labelOf(key, one) + " (" + number(n) + ")", one), one));
        select.replaceChildren(new Option(_("all"), ""), ...made);
        select.value = value;
        label.hidden = known.length < 2 && !value && (!known.length || known[0][0] === NONE);
        label.classList.toggle("set", Boolean(value));
      }
    }

    function chips() {
      const set = ["q", ...FACETS[list]].filter((key) => state[list][key]).map((key) => [key, state[list][key]]);
      const made = set.map(([key, value]) => {
        const one = element("button", "chip", (key === "q" ? "“" + value + "”" : named(key) + _(": ") + labelOf(key, value)) + " ×");
        one.type = "button";
        one.setAttribute("aria-label", _("take away the filter {key} {value}", { key: named(key), value }));
        one.addEventListener("click", () => {
          const { [key]: gone, ...rest } = state[list];
          go(withList(list, rest));
          search.focus();
        });
        return one;
      });
      if (made.length > 1) {
        const all = element("button", "chip all", _("clear all") + " ×");
        all.type = "button";
        all.addEventListener("click", () => { go(withList(list, {})); search.focus(); });
        made.push(all);
      }
      section.querySelector(".chips").replaceChildren(...made);
    }

    // How many dropped records of the whole build the filters mean, where the manifest tells it.
    function ofBuild() {
      if (list !== "drops" || store.whole) return "";
      const own = Object.entries(state.drops);
      if (!own.length || !own.every(([key]) => ["stage", "rule", "source"].includes(key))) return "";
      const meant = data.dropped.filter((one) => own.every(([key, value]) => one[key] === value));
      return number(meant.reduce((sum, one) => sum + one.records, 0));
    }

    function tell(found) {
      if (store.whole) {
        count.textContent = _(COUNTED[found.done ? 0 : 1], { rows: number(found.rows), total: number(total), seen: Math.floor(found.seen * 100) });
      } else {
        const meant = ofBuild();
        count.textContent = _(COUNTED[meant ? 3 : 2], { rows: number(found.rows), of: number(found.of), total: number(total), meant });
      }
    }

    function explain() {
      const { stage, rule } = state[list];
      const text = list === "drops" && rule ? Object.entries(data.reasons).filter(([name]) => name.endsWith("/" + rule) && (!stage || name.startsWith(stage + "/"))).map((one) => one[1])[0] : "";
      why.hidden = !text;
      say(why, text || "");
    }

    async function counted(mine) {
      let found = await store.counts(list, state[list]);
      while (mine === turn) {
        tell(found);
        options(found.facets, found.done);
        if (found.done) { section.dataset.counted = key(); return; }
        await new Promise((done) => setTimeout(done, POLL));
        if (mine === turn) found = await store.counts(list, state[list]);
      }
    }

    const key = () => new URLSearchParams(state[list]).toString();

    async function grow(mine, focus) {
      const next = await store.find(list, state[list], shown, PAGE);
      if (mine !== turn) return;
      const made = next.items.map((item) => entry(list, item, sought));
      place.append(...made.filter((one) => !entryIn(one.dataset.id)));
      shown = next.next;
      more.hidden = !next.more;
      if (focus && made.length) made[0].querySelector("summary").focus();
    }

    const entryIn = (id) => place.querySelector("[data-id='" + CSS.escape(id) + "']");

    async function refresh() {
      const mine = ++turn;
      sought = wordsOf(state[list].q);
      if (document.activeElement !== search) search.value = state[list].q || "";
      shown = 0;
      place.replaceChildren();
      more.hidden = true;
      chips();
      explain();
      delete section.dataset.shown;
      const counting = counted(mine).catch((error) => failed(mine, error));
      try {
        await grow(mine, false);
      } catch (error) {
        failed(mine, error);
      }
      if (!store.whole) await counting;
      if (mine === turn) section.dataset.shown = key();
    }

    function failed(mine, error) {
      if (mine === turn) count.textContent = _("The server does not answer: {error}", { error: error.message });
    }

    function changed(own, replaces) {
      const set = Object.fromEntries(Object.entries(own).filter((pair) => pair[1]));
      go(withList(list, set), replaces);
    }

    let waiting;
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => changed({ ...state[list], q: search.value.trim() }, Boolean(state[list].q)), 120);
    });
    search.addEventListener("blur", () => { if (search.value.trim() === (state[list].q || "")) search.value = state[list].q || ""; });
    for (const select of selects) {
      select.addEventListener("change", () => changed({ ...state[list], [select.dataset.key]: select.value }));
    }
    section.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    more.addEventListener("click", () => grow(turn, true).catch((error) => failed(turn, error)));

    return {
      refresh,
      tell: (text) => { count.textContent = text; },
      putFirst(item) {
        const made = entry(list, item, sought);
        made.classList.add("linked");
        place.prepend(made);
        return made;
      },
    };
  }

  // --- the keyboard ---------------------------------------------------------------------------

  function inView() {
    const drops = document.getElementById("drops");
    return drops.getBoundingClientRect().top < innerHeight / 2 ? drops : document.getElementById("rows");
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "Escape" && typing) event.target.blur();
    if (typing) return;
    if (event.key === "/") {
      event.preventDefault();
      inView().querySelector("input").focus();
    } else if (event.key === "j" || event.key === "k") {
      const heads = [...document.querySelectorAll(".list > details > summary")];
      const at = heads.indexOf(document.activeElement.closest(".list > details")?.querySelector("summary"));
      const first = heads.indexOf(inView().querySelector(".list summary"));
      const next = at < 0 ? heads[first] : heads[at + (event.key === "j" ? 1 : -1)];
      if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
    } else if ("yxu".includes(event.key)) {
      const made = document.activeElement.closest(".list > details");
      if (!made) return;
      const list = made.closest("section").dataset.list;
      const verdict = { y: WORDS[list].yes[0], x: WORDS[list].no[0], u: "" }[event.key];
      const given = votes.get(made.dataset.id);
      if (!given || given.verdict !== verdict) vote(list, made.dataset.id, verdict);
    }
  });

  // --- wide tables ----------------------------------------------------------------------------

  // What lies beyond the edge is told, not only cut.
  const watch = new ResizeObserver((changes) => {
    for (const { target } of changes) {
      const wide = target.scrollWidth > target.clientWidth + 1;
      const hint = target.previousElementSibling;
      if (wide && !hint?.classList.contains("hint")) target.before(element("p", "hint", _("More columns to the right: scroll the table sideways →")));
      if (!wide && hint?.classList.contains("hint")) hint.remove();
    }
  });
  for (const place of document.querySelectorAll(".scroll")) watch.observe(place);

  // --- the checks, where the server runs them ------------------------------------------------

  async function showChecks() {
    let told = await store.checks();
    while (!told.done) {
      await new Promise((done) => setTimeout(done, 1000));
      told = await store.checks();
    }
    const lines = told.checks.map((check) => {
      const state = check.passed === null ? "not checked" : check.passed ? "pass" : "fail";
      const line = element("li", state.replace(" ", "-"));
      const text = element("span", "", check.name + ": " + check.observed);
      for (const one of check.complaints.slice(0, 5)) text.append(element("br"), element("span", "complaint", one));
      line.append(element("strong", "", named(state)), " ", text);
      return line;
    });
    document.querySelector(".checks").replaceChildren(...lines);
  }

  // --- the start ------------------------------------------------------------------------------

  // The records of a sample are packed: a third of the page's size.
  async function unpack() {
    const place = document.getElementById("records");
    const signs = atob(place.textContent);
    const bytes = new Uint8Array(signs.length);
    for (let at = 0; at < signs.length; at++) bytes[at] = signs.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const lists = JSON.parse(await new Response(stream).text());
    for (const list of LISTS) data.lists[list].items = lists[list];
    place.remove();
  }

  const views = Object.fromEntries(LISTS.map((list) => [list, view(document.getElementById(list))]));
  listVotes();

  async function start() {
    if (!store.whole) await unpack();
    await Promise.all(LISTS.map((list) => views[list].refresh()));
    await showOpen("");
    root.dataset.ready = "yes";
    const list = LISTS.find((name) => Object.keys(state[name]).length);
    if (state.open) showLinked();
    else if (list) jump(document.getElementById(list));
  }

  start().finally(paint).catch((error) => {
    for (const list of LISTS) views[list].tell(_("The records cannot be shown: {error}", { error: error.message }));
  });
  if (store.checks) showChecks().catch(() => {});
})();
