// Draws the table of columns from the data block of the page. No library, no address, no timer.
// `page.py` puts this and page_pairs.js into one function, so that they share what is here.
const tables = []; // what else is drawn anew with the table of columns
const data = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("columns");
const NS = "http://www.w3.org/2000/svg";
const WIDTH = 132, HEIGHT = 34, WIDE = 560, TALL = 190;
const MANY = 8;
// More sets than this are chosen by name, and coloured in the order in which they are shown.
const many = data.series.length > MANY;
const state = { text: "", type: "", gaps: false, log: false, sort: "", down: false,
  shown: data.series.map(() => true), open: new Set() };

const element = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "on") for (const [event, call] of Object.entries(value)) made.addEventListener(event, call);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
};
const drawn = (name, attributes, ...children) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const number = (value, digits = 4) => {
  if (value == null) return "–";
  if (typeof value === "string") return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    // Four digits stay in one piece: they may be a year.
    return value.toLocaleString("en-US", { useGrouping: Math.abs(value) >= 10000 });
  }
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-4) return value.toExponential(digits - 1);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toLocaleString("en-US", { maximumFractionDigits: decimals, useGrouping: size >= 9999.5 });
};
const counted = (amount, noun) => `${number(amount)} ${noun}${amount === 1 ? "" : "s"}`;
const share = (part, whole) => {
  if (part == null || !whole) return "–";
  if (part === 0) return "0 %";
  if (part === whole) return "100 %";
  const percent = (100 * part) / whole;
  if (percent < 0.1) return "<0.1 %";
  return percent > 99.9 ? ">99.9 %" : percent.toFixed(1) + " %";
};
const label = (text) => (text === "" ? "(empty text)" : text.trim() === "" ? `(${text.length} blanks)` : text);
const colour = (index) => `var(--s${(many ? visible().indexOf(index) : index) % 6})`;
const visible = () => data.series.map((_, index) => index).filter((index) => state.shown[index]);
const parts = (column) => visible().map((index) => [index, column.parts[index]]).filter((pair) => pair[1]);
const scaled = (value, top) => (!top ? 0 : state.log ? Math.log10(1 + value) / Math.log10(1 + top) : value / top);

// Heights are shares of the values of a series, so that sets of different sizes can be compared;
// on the log scale they are counts, where the question is what is rare.
const heights = (counts) => {
  if (state.log) return counts;
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  return counts.map((count) => count / total);
};
const bars = (column) => {
  if (column.h) return parts(column).filter(([, part]) => part.h).map(([index, part]) => [index, part.h]);
  return parts(column).filter(([, part]) => part.t && part.t.length)
    .map(([index, part]) => [index, column.keys.map((key) => (part.t.find((pair) => pair[0] === key) || [0, 0])[1])]);
};

const spark = (column) => {
  const series = bars(column);
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, class: "spark", "aria-hidden": "true" });
  const tall = series.map(([, counts]) => heights(counts));
  const top = Math.max(0, ...tall.flat());
  series.forEach(([index], order) => {
    const step = WIDTH / Math.max(1, tall[order].length);
    const wide = Math.max(0.6, (Math.min(step, 14) * 0.86) / series.length);
    let path = "";
    tall[order].forEach((value, at) => {
      if (!value) return;
      const high = Math.max(1, (HEIGHT - 2) * scaled(value, top));
      const left = at * Math.min(step, 14) + order * wide;
      path += `M${left.toFixed(1)} ${HEIGHT}v${(-high).toFixed(1)}h${wide.toFixed(1)}v${high.toFixed(1)}z`;
    });
    svg.append(drawn("path", { d: path, style: `fill:${colour(index)}` }));
  });
  return svg;
};

const binName = (edges, at) =>
  edges[0] === edges[edges.length - 1] ? number(edges[0])
    : column_whole(edges) ? whole(edges[at] + 0.5, edges[at + 1] - 0.5) : `${number(edges[at])} to ${number(edges[at + 1])}`;
const column_whole = (edges) => edges.every((edge) => Math.abs(edge % 1) === 0.5);
const whole = (low, high) => (low === high ? number(low) : `${number(low)} to ${number(high)}`);

const chart = (column) => {
  const series = bars(column);
  if (!series.length) return element("p", { class: "soft" }, "No values to draw");
  const names = column.h ? series[0][1].map((_, at) => binName(column.h, at)) : column.keys.map(label);
  const tall = series.map(([, counts]) => heights(counts));
  const top = Math.max(...tall.flat());
  const left = 52, bottom = TALL - 34, step = (WIDE - left - 8) / names.length;
  const wide = (Math.min(step, 60) * 0.86) / series.length;
  const svg = drawn("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "big", role: "img", "aria-label": `${column.name}: ${state.log ? "values, log scale" : "share of values"}` });
  series.forEach(([index, counts], order) => counts.forEach((count, at) => {
    const high = (bottom - 14) * scaled(tall[order][at], top);
    const box = drawn("rect", { x: (left + at * step + order * wide).toFixed(1), y: (bottom - Math.max(high, count ? 1 : 0)).toFixed(1),
      width: wide.toFixed(1), height: Math.max(high, count ? 1 : 0).toFixed(1), style: `fill:${colour(index)}` });
    const total = counts.reduce((sum, value) => sum + value, 0);
    box.append(drawn("title", {}, `${data.series[index].name}, ${names[at]}: ${number(count)} (${share(count, total)})`));
    svg.append(box);
  }));
  svg.append(drawn("path", { class: "axis", d: `M${left} 10V${bottom}H${WIDE - 8}` }));
  const write = (x, y, anchor, text, extra) => svg.append(drawn("text", { x, y, "text-anchor": anchor, ...extra }, text));
  write(left - 5, bottom, "end", "0");
  write(left - 5, 18, "end", state.log ? number(top) : share(top, 1));
  const fits = names.every((name) => (name.length + 1) * 6.2 <= step);
  if (fits) names.forEach((name, at) => write(left + (at + 0.5) * step, bottom + 14, "middle", name));
  else {
    write(left, bottom + 14, "start", names[0].slice(0, 34));
    if (names.length > 1) write(WIDE - 8, bottom + 14, "end", names[names.length - 1].slice(0, 34));
  }
  write((left + WIDE) / 2, TALL - 4, "middle", column.h ? column.name.slice(0, 60) : "most frequent values");
  return svg;
};

const error = (value) => (value ? `± ${(100 * value).toPrecision(2)} %` : null);
const FACTS = [
  ["rows with a value", (p) => number(p.n)], ["missing", (p) => `${number(p.miss)} (${share(p.miss, p.n + p.miss)})`],
  ["distinct", (p) => (p.u == null ? null : number(p.u) + (p.unsure ? ` ± ${(100 * p.unsure).toFixed(1)} %` : ""))],
  ["mean", (p) => p.mean], ["standard deviation", (p) => p.std], ["skewness", (p) => p.skew], ["excess kurtosis", (p) => p.kurt],
  ["median absolute deviation", (p) => p.mad], ["min", (p) => p.min], ["1 %", (p) => p.q && p.q[0]], ["5 %", (p) => p.q && p.q[1]],
  ["25 %", (p) => p.q && p.q[2]], ["median", (p) => p.q && p.q[3]], ["75 %", (p) => p.q && p.q[4]], ["95 %", (p) => p.q && p.q[5]],
  ["99 %", (p) => p.q && p.q[6]], ["max", (p) => p.max], ["zeros", (p) => p.zero], ["negative", (p) => p.neg],
  ["NaN", (p) => p.nan || null], ["infinite", (p) => p.inf || null], ["true", (p) => p.true], ["false", (p) => p.false],
  ["length", (p) => (p.len ? `${number(p.len[0])} to ${number(p.len[2])}, mean ${number(p.len[1])}` : null)],
  ["empty", (p) => p.empty || null], ["blank", (p) => p.blank || null], ["entropy, bits", (p) => p.ent],
  ["kind", (p) => p.kind], ["quantiles known to", (p) => error(p.qe)], ["skewness, kurtosis, MAD of values known to", (p) => error(p.me)],
  ["counts of values at most too small by", (p) => p.ce || null],
];

const details = (column) => {
  const series = parts(column);
  const rows = [...FACTS.map(([name, value]) => [name, series.map(([, part]) => value(part))]), ...extraFacts(series)]
    .filter(([, values]) => values.some((value) => value != null));
  const head = element("tr", {}, element("th", { scope: "col" }), ...series.map(([index]) => element("th", { scope: "col", class: "n" }, dot(index), data.series[index].name)));
  const body = rows.map(([name, values]) => element("tr", {}, element("th", { scope: "row" }, name),
    ...values.map((value) => element("td", { class: "n" }, typeof value === "number" ? number(value) : value == null ? "–" : value))));
  const facts = element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
  return element("div", { class: "details" }, element("div", {}, chart(column), topValues(column)), element("div", { class: "scroll" }, facts));
};
const extraFacts = (series) => {
  const names = [...new Set(series.flatMap(([, part]) => (part.more || []).map((pair) => pair[0])))];
  return names.map((name) => [name, series.map(([, part]) => ((part.more || []).find((pair) => pair[0] === name) || [0, null])[1])]);
};
const topValues = (column) => {
  const series = parts(column).filter(([, part]) => part.t && part.t.length);
  if (!series.length) return null;
  const keys = [...new Set(series.flatMap(([, part]) => part.t.map((pair) => pair[0])))].slice(0, 20);
  const count = (part, key) => { const pair = part.t.find((one) => one[0] === key); return pair ? pair[1] : null; };
  return element("div", { class: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "value"), ...series.map(([index]) => element("th", { class: "n", scope: "col" }, dot(index), data.series[index].name)))),
    element("tbody", {}, ...keys.map((key) => element("tr", {}, element("td", { title: key }, element("bdi", {}, label(key).slice(0, 60) + (key.length > 60 ? "…" : ""))),
      ...series.map(([, part]) => element("td", { class: "n" }, count(part, key) == null ? (part.all ? "0 %" : "–") : share(count(part, key), values(part)))))))));
};

const dot = (index) => element("span", { class: "dot", style: `background:${colour(index)}`, "aria-hidden": "true" });
const stack = (column, value) => parts(column).map(([index, part]) =>
  element("div", { class: "line" }, data.series.length > 1 ? dot(index) : null, value(part)));
const main_value = (part) => {
  if (part.mean != null) return number(part.mean);
  if (part.t && part.t.length) { const text = label(part.t[0][0]); return `${text.length > 18 ? text.slice(0, 17) + "…" : text} ${share(part.t[0][1], values(part))}`; }
  return part.true != null ? `true ${share(part.true, values(part))}` : "–";
};
const first = (column) => (parts(column)[0] || [0, {}])[1];
const values = (part) => (part.v == null ? part.n : part.v); // in lists there are more than rows
const missing = (part) => (part.n == null ? null : part.miss / Math.max(1, part.n + part.miss));
const COLUMNS = [
  { key: "name", name: "column", sort: (c) => c.name.toLowerCase(), show: (c) => [element("bdi", { title: c.name }, c.name.length > 60 ? c.name.slice(0, 59) + "…" : c.name)] },
  { key: "type", name: "type", sort: (c) => c.type, show: (c) => [element("span", { title: c.type }, c.type.length > 24 ? c.type.slice(0, 23) + "…" : c.type), first(c).kind ? element("div", { class: "soft" }, first(c).kind) : null] },
  { key: "shape", name: "shape", sort: null, show: (c) => [spark(c)] },
  { key: "missing", name: "missing", n: true, sort: (c) => missing(first(c)), show: (c) => stack(c, (p) => share(p.miss, p.n + p.miss)), hot: (c) => parts(c).some(([, p]) => p.miss > 0) },
  { key: "zeros", name: "zeros", n: true, far: true, sort: (c) => (first(c).zero == null ? null : first(c).zero / Math.max(1, values(first(c)))), show: (c) => stack(c, (p) => (p.zero == null ? "–" : share(p.zero, values(p)))) },
  { key: "unique", name: "distinct", n: true, sort: (c) => first(c).u, show: (c) => stack(c, (p) => (p.unsure ? "≈ " : "") + number(p.u)) },
  { key: "mean", name: "mean or top value", sort: (c) => first(c).mean, show: (c) => stack(c, main_value) },
  { key: "std", name: "std", n: true, far: true, sort: (c) => first(c).std, show: (c) => stack(c, (p) => number(p.std)) },
  { key: "min", name: "min", n: true, far: true, sort: (c) => first(c).min, show: (c) => stack(c, (p) => number(p.min)) },
  { key: "median", name: "median", n: true, far: true, sort: (c) => first(c).q && first(c).q[3], show: (c) => stack(c, (p) => number(p.q && p.q[3])) },
  { key: "max", name: "max", n: true, far: true, sort: (c) => first(c).max, show: (c) => stack(c, (p) => number(p.max)) },
  { key: "differ", name: "difference", n: true, sort: (c) => difference(c), show: (c) => [difference(c) == null ? "–" : difference(c).toFixed(3)], two: true },
];
// Between the first two sets that are shown: half the summed difference of their bars' shares,
// from 0, the same, to 1, nothing in common.
const difference = (column) => {
  const two = bars(column).slice(0, 2);
  if (two.length < 2) return null;
  const [a, b] = two.map(([, counts]) => { const total = counts.reduce((s, c) => s + c, 0) || 1; return counts.map((c) => c / total); });
  return a.reduce((sum, value, at) => sum + Math.abs(value - b[at]), 0) / 2;
};

const chosen = () => {
  const text = state.text.toLowerCase();
  const found = data.columns.filter((column) =>
    (!text || column.name.toLowerCase().includes(text)) && (!state.type || column.type === state.type) &&
    (!state.gaps || parts(column).some(([, part]) => part.miss > 0)));
  const by = COLUMNS.find((one) => one.key === state.sort);
  if (!by) return found;
  const keys = new Map(found.map((column) => [column, by.sort(column)]));
  const order = (a, b) => {
    const [x, y] = [keys.get(a), keys.get(b)];
    if (x == null || y == null) return (x == null) - (y == null);
    return (x < y ? -1 : x > y ? 1 : 0) * (state.down ? -1 : 1);
  };
  return [...found].sort(order);
};

const columns = () => COLUMNS.filter((one) => !one.two || visible().length > 1);
const row = (column) => {
  const shown = columns();
  const open = state.open.has(column.name);
  const toggle = () => { if (open) state.open.delete(column.name); else state.open.add(column.name); draw(); };
  const cells = shown.map((one, at) => element("td", { class: [one.n ? "n" : "", one.far ? "far" : "", one.hot && one.hot(column) ? "warn" : ""].join(" ").trim() || false },
    ...(at ? one.show(column) : [element("button", { class: "open", "aria-expanded": String(open), on: { click: toggle } }, ...one.show(column))])));
  const rows = [element("tr", { class: "row" }, ...cells)];
  if (open) rows.push(element("tr", { class: "more" }, element("td", { colspan: shown.length }, details(column))));
  return rows;
};

const count = document.getElementById("count");
const draw = () => {
  const found = chosen();
  const head = columns().map((one) => element("th", { scope: "col", class: [one.n ? "n" : "", one.far ? "far" : ""].join(" ").trim() || false,
    "aria-sort": state.sort === one.key ? (state.down ? "descending" : "ascending") : false },
    one.sort ? element("button", { class: "sort", on: { click: () => {
      if (state.sort === one.key) { if (state.down) { state.sort = ""; state.down = false; } else state.down = true; }
      else { state.sort = one.key; state.down = false; }
      draw();
    } } }, one.name + (state.sort === one.key ? (state.down ? " ↓" : " ↑") : "")) : one.name));
  main.replaceChildren(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...found.flatMap(row)));
  tables.forEach((paint) => paint());
  count.textContent = found.length === data.columns.length ? counted(found.length, "column") : `${number(found.length)} of ${counted(data.columns.length, "column")}`;
};

const controls = document.getElementById("controls");
const check = (text, on, call, before) => element("label", {}, element("input", { type: "checkbox", checked: on, on: { change: (event) => { call(event.target.checked); draw(); } } }), before, text);
const types = [...new Set(data.columns.map((column) => column.type))].sort();
controls.append(
  element("input", { type: "search", placeholder: "search columns", "aria-label": "search columns", on: { input: (event) => { state.text = event.target.value; draw(); } } }),
  element("select", { "aria-label": "type", on: { change: (event) => { state.type = event.target.value; draw(); } } },
    element("option", { value: "" }, "all types"), ...types.map((type) => element("option", { value: type }, type))),
  check("with missing values", false, (on) => { state.gaps = on; }),
  check("log scale", false, (on) => { state.log = on; }),
  element("span", { id: "sets" }));
if (data.series.length > 3) {
  const whole = data.series.map((_, index) => index).filter((index) => !data.series[index].slice);
  const first = (whole.length > 1 ? whole : data.series.map((_, index) => index)).slice(0, 2);
  state.shown = data.series.map((_, index) => first.includes(index));
}
const set_name = (series) => `${series.name} (${counted(series.rows, "row")})`;
// A box for each set, or, of many, for those that are shown, and a field that finds others.
const sets = () => {
  const place = document.getElementById("sets");
  if (data.series.length < 2) return;
  const boxes = data.series.map((series, index) => [series, index]).filter(([, index]) => !many || state.shown[index])
    .map(([series, index]) => check(set_name(series), state.shown[index], (on) => { state.shown[index] = on; if (many) sets(); }, dot(index)));
  place.replaceChildren(...boxes, ...(many ? [finder()] : []));
};
const finder = () => {
  const hidden = data.series.filter((_, index) => !state.shown[index]);
  const names = new Map(data.series.map((series, index) => [set_name(series), index]));
  const add = (event) => {
    const index = names.get(event.target.value);
    if (index === undefined) return;
    state.shown[index] = true;
    sets();
    draw();
  };
  return element("span", {},
    element("input", { list: "hidden-sets", placeholder: `compare with one of ${hidden.length}`, "aria-label": "add a set to compare", on: { change: add, input: add } }),
    element("datalist", { id: "hidden-sets" }, ...hidden.map((series) => element("option", { value: set_name(series) }))));
};
sets();
draw();
