// Facts from the server, elements of the page, colors of the theme, numbers as words.

const facts = JSON.parse(document.getElementById("facts").textContent);

const element = (id) => document.getElementById(id);

/** A new element with attributes and children. */
function made(name, attributes = {}, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...children);
  return found;
}

/** A new element of a drawing. */
function drawn(name, attributes = {}, ...children) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...children);
  return found;
}

/** A color of the theme, such as that of "text" or "class-1". */
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** The red, green and blue of a color written as #rrggbb. */
const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** A loss or another number with three digits; one that is missing is not finite. */
function number(value) {
  if (value === null) return "not finite";
  const size = Math.abs(value);
  if (value === 0) return "0";
  return size >= 0.001 && size < 1e5 ? String(Number(value.toPrecision(3))) : value.toExponential(1);
}

const percent = (value) => (value === null || value < 0 ? "" : `${(100 * value).toFixed(value < 0.9995 ? 1 : 0)}%`);

/** A count: 1,234 or, short, 1.2k. */
const count = (value) => value.toLocaleString("en-US");
const short = (value) => (value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : String(value));
