// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Elements are made here, and text comes into them as text only: the page's policy
// forbids the ways from text to HTML.

// element makes one. Attributes that start with "on" are listeners, those that are
// null, undefined or false are left out; children are elements, texts or null.
function element(tag, attributes, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

// drawing makes an element of SVG.
function drawing(tag, attributes, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function furnish(made, attributes, children) {
  for (const name in attributes) {
    const value = attributes[name];
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") for (const key in value) made.style.setProperty(key, value[key]);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  fill(made, children);
  return made;
}

// fill appends children, of which some may be nothing, or lists of children.
function fill(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === "") continue;
    if (Array.isArray(child)) fill(parent, child);
    else parent.append(child);
  }
  return parent;
}

// refill replaces what an element holds.
function refill(parent, ...children) {
  parent.replaceChildren();
  return fill(parent, children);
}

// section is a part of the page with a heading and, under it, a line that says what
// is to be seen.
function section(id, title, lead, ...children) {
  return element("section", { id, "aria-labelledby": id + "-title" },
    element("header", { class: "section-head" },
      element("h2", { id: id + "-title" }, title),
      lead && element("p", { class: "lead" }, lead)),
    ...children);
}

// swatch is a patch of an outcome's colour. What it means is always said beside it.
function swatch(outcome) {
  return element("i", { class: "swatch", "aria-hidden": "true", style: { background: "var(--" + outcome.colour + ")" } });
}

// moduleName shows the file first, since that is what people look for, then where it is.
function moduleName(link, module) {
  const { file, folder } = link.nameParts(module);
  return element("span", { class: "name", title: link.names[module] },
    element("bdi", { class: "file" }, file), folder && element("bdi", { class: "folder" }, folder));
}

// moduleLink is a module's name that shows the module when it is chosen.
function moduleLink(link, module, choose) {
  return element("a", { href: "#module=" + module, class: "module-link", title: link.names[module],
    onclick: (event) => { event.preventDefault(); choose(module); } },
  element("bdi", {}, link.nameParts(module).file));
}

// facts is a list of names and values; those without a value are left out.
function facts(pairs, className) {
  return element("dl", { class: className || "facts" }, pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined)
    .map(([name, value, hint]) => element("div", { title: hint }, element("dt", {}, name), element("dd", {}, value))));
}

// choices are buttons of which one is pressed. An entry is {key, label, count, outcome}.
function choices(label, entries, chosen, choose) {
  const buttons = entries.map((entry) => element("button", {
    type: "button", class: "choice", "aria-pressed": String(entry.key === chosen), disabled: entry.count === 0 && entry.key !== chosen,
    title: entry.hint, "data-key": entry.key, onclick: () => { press(entry.key); choose(entry.key); },
  }, entry.outcome && swatch(entry.outcome), entry.label, entry.count !== undefined && [" ", element("b", {}, count(entry.count))]));
  const press = (key) => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.key === String(key))));
  const group = element("div", { class: "choices", role: "group", "aria-label": label }, buttons);
  group.press = press;
  return group;
}

// simpleTable is a table of few rows: columns are {title, right, hint}, cells texts or
// elements.
function simpleTable(label, columns, rows) {
  const cellClass = (column) => (column.right ? "right" : null);
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    element("table", { class: "plain" },
      element("thead", {}, element("tr", {}, columns.map((column) => element("th", { scope: "col", class: cellClass(column), title: column.hint }, column.title)))),
      element("tbody", {}, rows.map((cells) => element("tr", {}, cells.map((cell, i) =>
        element(i === 0 ? "th" : "td", { scope: i === 0 ? "row" : null, class: cellClass(columns[i]) }, cell)))))));
}

// meter is a bar for a part of a whole, of one or several parts {value, colour}.
function meter(parts, whole) {
  return element("span", { class: "meter", "aria-hidden": "true" }, parts.filter((part) => part.value > 0).map((part) =>
    element("span", { style: { width: (100 * part.value) / (whole || 1) + "%", background: "var(--" + part.colour + ")" } })));
}

// say tells people who do not see the page what has happened in it.
function say(text) {
  document.getElementById("said").textContent = text;
}
