// Draws the tables below that of the columns: pairs of columns, and lift with the label. They show
// the sets that are chosen above, and sort like it.
const FEW = 20, MOST = 200;
const decimals = (value) => (Math.abs(value) < 0.0005 ? "0" : value.toFixed(3));
const listed = (place, title, note, every, all) => {
  if (!all.length) return;
  const kept = every.map((_, at) => at).filter((at) => all.some((row) => row[at] != null));
  const heads = kept.map((at) => every[at]);
  const rows = all.map((row) => kept.map((at) => row[at]));
  let most = FEW;
  const more = element("button", { class: "sort", on: { click: () => { most = MOST; paint(); } } });
  const order = { at: -1, down: true };
  const body = element("tbody"), head = element("tr");
  const shown = () => {
    const some = rows.filter((row) => state.shown[row[0]] && (!state.text || row.slice(1).some((cell) => typeof cell === "string" && cell.toLowerCase().includes(state.text.toLowerCase()))));
    if (order.at < 0) return some;
    const key = (row) => { const cell = row[order.at]; return typeof cell === "number" ? cell : cell == null ? null : String(cell).toLowerCase(); };
    return [...some].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x == null || y == null) return (x == null) - (y == null);
      const size = (value) => (typeof value === "number" && heads[order.at].signed ? Math.abs(value) : value);
      return (size(x) < size(y) ? -1 : size(x) > size(y) ? 1 : 0) * (order.down ? -1 : 1);
    });
  };
  const paint = () => {
    head.replaceChildren(...heads.map((one, at) => element("th", { scope: "col", class: one.n ? "n" : false,
      "aria-sort": order.at === at ? (order.down ? "descending" : "ascending") : false },
      element("button", { class: "sort", on: { click: () => { order.down = order.at === at ? !order.down : Boolean(one.n); order.at = at; paint(); } } },
        one.name + (order.at === at ? (order.down ? " ↓" : " ↑") : "")))));
    const found = shown();
    more.hidden = found.length <= most || most === MOST;
    more.textContent = `show ${number(Math.min(MOST, found.length))} of ${number(found.length)}`;
    body.replaceChildren(...found.slice(0, most).map((row) => element("tr", {}, ...row.map((cell, at) =>
      element("td", { class: heads[at].n ? "n" : false },
        ...(at === 0 ? [dot(cell), data.series[cell].name] : [typeof cell === "string" ? element("bdi", { title: cell }, cell.length > 60 ? cell.slice(0, 59) + "…" : label(cell)) : heads[at].whole ? number(cell) : cell == null ? "–" : decimals(cell)]))))));
  };
  document.getElementById(place).append(element("h2", {}, title), element("p", { class: "soft" }, note),
    element("div", { class: "scroll" }, element("table", {}, element("thead", {}, head), body)), more);
  tables.push(paint);
  paint();
};

listed("pairs", "Pairs of columns", data.pairs_note, [
  { name: "rows of" }, { name: "column" }, { name: "and" }, { name: "rows with both", n: true, whole: true },
  { name: "Pearson", n: true, signed: true }, { name: "Spearman", n: true, signed: true }, { name: "Cramér's V", n: true },
  { name: "information, adjusted", n: true }, { name: "missing together", n: true, signed: true }, { name: "from rows", n: true, whole: true },
], data.pairs);
listed("lifts", "Lift with the label", data.lifts_note, [
  { name: "rows of" }, { name: "column" }, { name: "value" }, { name: "label" }, { name: "lift", n: true },
  { name: "rows with the value", n: true, whole: true }, { name: "and the label", n: true, whole: true }, { name: "weighted lift", n: true },
], data.lifts);
