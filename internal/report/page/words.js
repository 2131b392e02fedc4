// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Numbers in words. Times are in microseconds, as in the data.

const groups = new Intl.NumberFormat("en-GB");

function count(n) { return groups.format(n); }

// counted is a number with its noun: "1 module", "2 modules".
function counted(n, noun, nouns) { return count(n) + "\u00a0" + (n === 1 ? noun : nouns || noun + "s"); }

// took is a time for reading, with three digits or so.
function took(time) {
  if (time < 0) return "\u2212" + took(-time);
  if (time === 0) return "0\u00a0s";
  if (time < 100) return "<\u00a00.1\u00a0ms";
  if (time < 9.95e3) return (time / 1e3).toFixed(1) + "\u00a0ms";
  if (time < 999.5e3) return (time / 1e3).toFixed(0) + "\u00a0ms";
  if (time < 9.995e6) return (time / 1e6).toFixed(2) + "\u00a0s";
  if (time < 99.95e6) return (time / 1e6).toFixed(1) + "\u00a0s";
  const seconds = Math.round(time / 1e6);
  if (seconds < 3600) return Math.floor(seconds / 60) + "\u00a0min\u00a0" + two(seconds % 60) + "\u00a0s";
  const minutes = Math.round(seconds / 60);
  return count(Math.floor(minutes / 60)) + "\u00a0h\u00a0" + two(minutes % 60) + "\u00a0min";
}

function two(n) { return String(n).padStart(2, "0"); }

// change is a time with its sign.
function change(time) {
  return (time > 0 ? "+" : "") + took(time);
}

// seconds is a time for columns, where the points are to be under each other.
function seconds(time, digits) {
  if (time < 1e9) return (time / 1e6).toFixed(digits);
  return (time / 1e6).toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

// digitsFor is how many digits a column of times needs, by the largest.
function digitsFor(largest) { return largest < 1e6 ? 3 : 2; }

// signed is a difference for columns.
function signed(time, digits) {
  const text = seconds(Math.abs(time), digits);
  if (Number(text) === 0) return text;
  return (time < 0 ? "\u2212" : "+") + text;
}

// size is a number of bytes for reading.
function size(bytes) {
  if (bytes < 1000) return count(bytes) + "\u00a0B";
  const units = ["kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  let value = bytes / 1000;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return value.toFixed(value < 9.95 ? 1 : 0) + "\u00a0" + units[unit];
}

// kilobytes is a number of bytes for columns, nothing if it is not known.
function kilobytes(bytes) { return bytes ? count(Math.max(1, Math.round(bytes / 1000))) : ""; }

function percent(part, whole) {
  if (!whole) return "0\u00a0%";
  const value = (100 * part) / whole;
  if (value > 0 && value < 1) return "<\u00a01\u00a0%";
  if (value > 99 && value < 100) return ">\u00a099\u00a0%";
  return Math.round(value) + "\u00a0%";
}

const monthNames = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

// date is a time of day where the page is read.
function date(milliseconds) {
  const d = new Date(milliseconds);
  return d.getDate() + "\u00a0" + monthNames[d.getMonth()] + "\u00a0" + d.getFullYear() + ", " +
    two(d.getHours()) + ":" + two(d.getMinutes()) + ":" + two(d.getSeconds());
}

// enumeration joins texts: "a, b and c".
function enumeration(texts) {
  if (texts.length < 2) return texts.join("");
  return texts.slice(0, -1).join(", ") + " and " + texts[texts.length - 1];
}

// shortened is a text of at most 160 characters; nothing that is longer is read.
function shortened(text) { return text.length > 160 ? text.slice(0, 100) + "\u2026" + text.slice(-50) : text; }

// middle and quantile are of an array of numbers in ascending order.
function quantile(sorted, part) {
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] : 0;
}

function middle(sorted) { return quantile(sorted, 0.5); }

// largest is the largest of a list of any length, and of other numbers.
function largest(list, ...others) { return list.reduce((a, b) => (b > a ? b : a), Math.max(0, ...others)); }
