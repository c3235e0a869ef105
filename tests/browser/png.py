"""Small PNG files: screenshots with a palette, a third of what Chromium writes.

Chromium itself hands out the pixels (it can read its own PNG), so no picture library is needed.
"""

import base64
import struct
import zlib

import numpy as np
from playwright.sync_api import Page

PALETTE_SIZE = 256
# Colours are first rounded to steps of this size; anti-aliased edges then share their colours.
STEP = 8

# Draws the picture on a canvas and returns width, height and the RGBA bytes.
READ_PIXELS = """async png => {
    const picture = new Image();
    picture.src = "data:image/png;base64," + png;
    await picture.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.width, picture.height];
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0);
    const bytes = context.getImageData(0, 0, picture.width, picture.height).data;
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768)
        text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return [picture.width, picture.height, btoa(text)];
}"""


def small(png: bytes, reader: Page) -> bytes:
    """The same picture with at most 256 colours. `reader`: a blank page to do the reading."""
    width, height, pixels = reader.evaluate(READ_PIXELS, base64.b64encode(png).decode())
    rgba = np.frombuffer(base64.b64decode(pixels), dtype=np.uint8).reshape(height, width, 4)
    indices, palette = _with_palette(rgba[:, :, :3])
    return _encode(indices, palette)


def _with_palette(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of each pixel, and the palette: the commonest colours, others the nearest of them."""
    packed = (rgb.astype(np.uint32) * np.array([65536, 256, 1], dtype=np.uint32)).sum(axis=2)
    exact, counts = np.unique(packed, return_counts=True)
    colours = np.stack([exact >> 16, exact >> 8 & 255, exact & 255], axis=1).astype(np.int32)
    rounded = colours // STEP
    groups, group_of = np.unique(rounded, axis=0, return_inverse=True)
    group_of = group_of.reshape(-1)
    weights = np.bincount(group_of, weights=counts)
    kept = np.argsort(-weights)[:PALETTE_SIZE]
    # Each group is drawn in its commonest exact colour, so that flat areas stay as designed.
    order = np.lexsort((counts, group_of))
    commonest = np.zeros(len(groups), dtype=np.int64)
    commonest[group_of[order]] = order
    palette = colours[commonest[kept]]
    nearest = ((groups[:, None, :] - groups[kept][None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    index_of_exact = nearest[group_of].astype(np.uint8)
    indices = index_of_exact[np.searchsorted(exact, packed)]
    return indices, palette.astype(np.uint8)


def _encode(indices: np.ndarray, palette: np.ndarray) -> bytes:
    height, width = indices.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    rows = np.hstack([np.zeros((height, 1), dtype=np.uint8), indices])
    chunks = [
        (b"IHDR", header),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check
