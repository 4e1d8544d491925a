// Where the page's records are: in the page itself (a sample), or with the server (all rows).
//
// Both answer the same three questions. A state is {q: words, key: value, …}; an empty value is no
// filter, NONE means that the record has none.
//
//   find(list, state, from, most)  -> {items, next: where the next ones begin, more}
//   counts(list, state)            -> {rows, of, facets: {key: [[value, rows], …]}, seen, done}
//   get(list, id, config)          -> {list, item: with all that is shown of it}; null: not there;
//                                     config: which row, of a record with rows in several
"use strict";

const NONE = "—";

// What a list can be filtered by. `ordered`: values stand in their order, not by their number.
const FACETS = {
  rows: ["config", "source", "split", "department", "origin", "domain", "length", "tag"],
  drops: ["stage", "rule", "source", "department", "length", "tag"],
};

const wordsOf = (text) => (text || "").toLowerCase().split(/\s+/).filter(Boolean);

// Return the bin of a length, as "64-127" or "32768-".
function binOf(bins, chars) {
  if (chars === null || chars === undefined) return NONE;
  const bin = bins.findLast((one) => one.least <= chars);
  return bin ? bin.value : NONE;
}

function holdsLength(wanted, chars) {
  if (chars === null || chars === undefined) return wanted === NONE;
  const [least, most] = wanted.split("-");
  return chars >= Number(least) && (!most || chars <= Number(most));
}

// A department may stand under another: "内科>心血管内科" is one of 内科, too.
function withThoseAbove(value) {
  const parts = value.split(">");
  return parts.map((_, at) => parts.slice(0, at + 1).join(">"));
}

function valuesOf(bins, item, key) {
  if (key === "tag") return item.tags;
  if (key === "department") return item.department ? withThoseAbove(item.department) : [NONE];
  if (key === "length") return [binOf(bins, item.chars)];
  return [item[key] || NONE];
}

function embeddedStore(data) {
  const texts = new Map();

  function textOf(item) {
    let text = texts.get(item);
    if (text === undefined) {
      const { title, keyphrases } = item.labels || {};
      const parts = [item.id, item.thread, item.key, item.evidence, title, keyphrases];
      const all = (pieces) => pieces.map((piece) => piece[1]).join("");
      for (const [, said] of item.texts) parts.push(typeof said === "string" ? said : all(said));
      for (const reply of item.replies || []) parts.push(reply.id, ...reply.texts.map((t) => t[1]));
      if (item.department) parts.push(item.department);
      if (item.twin) parts.push(item.twin.id, item.twin.text);
      for (const exam of item.exams || []) parts.push(exam.item, exam.text);
      text = parts.filter(Boolean).join("\n").toLowerCase();
      texts.set(item, text);
    }
    return text;
  }

  function holds(item, key, wanted) {
    if (key === "length") return holdsLength(wanted, item.chars);
    return valuesOf(data.bins, item, key).includes(wanted);
  }

  // The filters that an item does not pass: none, one, or two (enough to know that it goes).
  function failing(item, name, state, sought) {
    if (!sought.every((word) => textOf(item).includes(word))) return ["q", "q"];
    const out = [];
    for (const key of FACETS[name]) {
      if (state[key] && !holds(item, key, state[key]) && out.push(key) > 1) break;
    }
    return out;
  }

  const sizeOf = (item) => item.rows || 1;

  return {
    whole: false,
    async find(name, state, from, most) {
      const sought = wordsOf(state.q);
      const found = data.lists[name].items.filter((item) => !failing(item, name, state, sought).length);
      return { items: found.slice(from, from + most), next: from + most, more: found.length > from + most };
    },
    async counts(name, state) {
      const sought = wordsOf(state.q);
      const maps = Object.fromEntries(FACETS[name].map((key) => [key, new Map()]));
      let rows = 0;
      let of = 0;
      for (const item of data.lists[name].items) {
        of += sizeOf(item);
        const out = failing(item, name, state, sought);
        if (out.length > 1) continue;
        if (!out.length) rows += sizeOf(item);
        for (const key of out.length ? out : FACETS[name]) {
          for (const value of valuesOf(data.bins, item, key)) {
            maps[key].set(value, (maps[key].get(value) || 0) + sizeOf(item));
          }
        }
      }
      const facets = Object.fromEntries(Object.entries(maps).map(([key, map]) => [key, [...map]]));
      return { rows, of, facets, seen: 1, done: true };
    },
    async get(name, id) {
      const mine = (item) => item.id === id || item.thread === id || (item.replies || []).some((r) => r.id === id);
      for (const list of name ? [name] : ["rows", "drops"]) {
        const found = data.lists[list].items.find(mine);
        if (found) return { list, item: found };
      }
      return null;
    },
  };
}

function serverStore() {
  async function ask(what, parts) {
    const asked = new URLSearchParams();
    for (const [key, value] of Object.entries(parts)) if (value !== "" && value !== undefined) asked.set(key, value);
    const answer = await fetch("api/" + what + "?" + asked);
    if (!answer.ok) throw new Error((await answer.text()).slice(0, 300) || "the server refused");
    return answer.json();
  }

  return {
    whole: true,
    find: (name, state, from, most) => ask("find", { list: name, ...state, from, most }),
    counts: (name, state) => ask("counts", { list: name, ...state }),
    get: (name, id, config) => ask("get", { list: name || "", id, config }).then((told) => told.found),
    checks: () => ask("checks", {}),
  };
}
