// Pages for visitors of a firm. Whoever runs no scripts can do everything, too; only less often.

// --- the proof of work: SHA-256 of `challenge.number` must begin with so many zero bits ---------------------

const K = new Uint32Array(64);
const H = new Uint32Array(8);
{
  // The constants are the first bits of the roots of the first primes (FIPS 180-4 §4.2.2, §5.3.3).
  const part = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
  let found = 0;
  for (let n = 2; found < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    if (found < 8) H[found] = part(Math.sqrt(n));
    K[found] = part(Math.cbrt(n));
    found += 1;
  }
}

const w = new Int32Array(64);

// The first word of the SHA-256 of a text of ASCII letters.
function firstWord(text) {
  const length = text.length;
  const blocks = ((length + 8) >> 6) + 1;
  const words = new Int32Array(blocks * 16);
  for (let i = 0; i < length; i += 1) words[i >> 2] |= text.charCodeAt(i) << (24 - (i & 3) * 8);
  words[length >> 2] |= 0x80 << (24 - (length & 3) * 8);
  words[words.length - 1] = length * 8;
  const state = Int32Array.from(H);
  for (let block = 0; block < words.length; block += 16) {
    for (let i = 0; i < 16; i += 1) w[i] = words[block + i];
    for (let i = 16; i < 64; i += 1) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }
  return state[0] >>> 0;
}

// Works a little at a time, so that whoever types does not notice.
async function solve(challenge, bits) {
  const least = 32 - bits;
  for (let number = 0; ; number += 1) {
    if (firstWord(`${challenge}.${number}`) >>> least === 0) return String(number);
    if (number % 500 === 499) await new Promise((next) => setTimeout(next));
  }
}

for (const form of document.querySelectorAll("form[data-proof]")) {
  const field = form.querySelector("[data-solution]");
  let working;
  const work = () => {
    working ??= solve(form.elements.challenge.value, Number(form.dataset.proof)).then((found) => { field.value = found; });
    return working;
  };
  form.addEventListener("focusin", work, { once: true });
  form.addEventListener("submit", (event) => {
    if (field.value) return;
    event.preventDefault();
    work().then(() => form.submit());
  });
}

// --- the visitor's own clock ---------------------------------------------------------------------------------

const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const link of document.querySelectorAll("a[data-own-zone]")) {
  if (own && own !== link.dataset.ownZone) {
    link.href = link.href.replace("__ZONE__", encodeURIComponent(own));
    link.hidden = false;
  }
}

// --- in a frame: tell the page around how tall this one is ------------------------------------------------------

if (window.parent !== window && document.body.classList.contains("framed")) {
  // The body's own height: the document is never lower than the frame, which must be able to shrink again.
  const tell = () => {
    const { height } = document.body.getBoundingClientRect();
    window.parent.postMessage({ type: "conecta:height", height }, "*");
  };
  new ResizeObserver(tell).observe(document.body);
  tell();
}
