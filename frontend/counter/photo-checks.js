/**
 * What can be said of a picture by looking at its pixels alone, without knowing what a face is. Pure: numbers in, numbers out.
 *
 * All take the luminance of a small upright picture (35 by 45), row by row, 0…255. The limits were tried on synthetic pictures and
 * are hints for the person at the camera, never a refusal.
 */

/** @typedef {{ mean: number, sharpness: number, uneven: number, sided: number }} Measured */

export const LIMITS = { dark: 70, bright: 225, blurred: 18, uneven: 28, sided: 45 };

/**
 * @param {Uint8ClampedArray | number[]} rgba
 * @returns {Float32Array} luminance by ITU-R BT.601
 */
export function luminance(rgba) {
  const found = new Float32Array(rgba.length / 4);
  for (let n = 0; n < found.length; n += 1) {
    found[n] = 0.299 * rgba[4 * n] + 0.587 * rgba[4 * n + 1] + 0.114 * rgba[4 * n + 2];
  }
  return found;
}

/**
 * @param {Float32Array} light @param {number} width
 * @param {number} left @param {number} top @param {number} right @param {number} bottom shares of the picture, 0…1
 * @returns {number[]}
 */
function part(light, width, left, top, right, bottom) {
  const height = light.length / width;
  const found = [];
  for (let y = Math.floor(top * height); y < Math.floor(bottom * height); y += 1) {
    for (let x = Math.floor(left * width); x < Math.floor(right * width); x += 1) found.push(light[y * width + x]);
  }
  return found;
}

/** @param {ArrayLike<number>} values */
function mean(values) {
  let sum = 0;
  for (let n = 0; n < values.length; n += 1) sum += values[n];
  return values.length ? sum / values.length : 0;
}

/** @param {ArrayLike<number>} values */
function deviation(values) {
  const middle = mean(values);
  return Math.sqrt(mean(Array.from(values, (value) => (value - middle) ** 2)));
}

/**
 * Variance of the Laplacian in the middle: low when nothing has an edge.
 * @param {Float32Array} light @param {number} width
 */
function sharpness(light, width) {
  const height = light.length / width;
  const found = [];
  for (let y = Math.max(1, Math.floor(0.15 * height)); y < Math.min(height - 1, Math.floor(0.75 * height)); y += 1) {
    for (let x = Math.max(1, Math.floor(0.2 * width)); x < Math.min(width - 1, Math.floor(0.8 * width)); x += 1) {
      const at = y * width + x;
      found.push(4 * light[at] - light[at - 1] - light[at + 1] - light[at - width] - light[at + width]);
    }
  }
  return deviation(found) ** 2;
}

/**
 * Brightness of the face's place, sharpness there, spread of the background's two upper corners, difference of the face's sides.
 * @param {Float32Array} light @param {number} width
 * @returns {Measured}
 */
export function measure(light, width) {
  const background = [...part(light, width, 0, 0, 0.18, 0.45), ...part(light, width, 0.82, 0, 1, 0.45)];
  const left = mean(part(light, width, 0.28, 0.2, 0.5, 0.65));
  const right = mean(part(light, width, 0.5, 0.2, 0.72, 0.65));
  return { mean: (left + right) / 2, sharpness: sharpness(light, width), uneven: deviation(background), sided: Math.abs(left - right) };
}

/**
 * What to say, the most important first; nothing wrong is `["good"]`.
 * @param {Measured} seen
 * @returns {string[]}
 */
export function hints(seen) {
  const found = [];
  if (seen.mean < LIMITS.dark) found.push("dark");
  if (seen.mean > LIMITS.bright) found.push("bright");
  if (seen.sharpness < LIMITS.blurred) found.push("blurred");
  if (seen.uneven > LIMITS.uneven) found.push("uneven");
  if (seen.sided > LIMITS.sided) found.push("sided");
  return found.length ? found : ["good"];
}

/**
 * The largest upright part of a picture with the proportion of the photo, around its middle.
 * @param {number} width @param {number} height of the camera's picture
 * @param {number} proportion width ÷ height of the photo
 */
export function crop(width, height, proportion) {
  const wide = Math.min(width, height * proportion);
  const high = wide / proportion;
  return { x: (width - wide) / 2, y: (height - high) / 2, width: wide, height: high };
}
