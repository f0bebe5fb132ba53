"""Seeded sentences that tokenizers find hard."""

import random

# Latin with accents, Greek, Cyrillic, Hebrew, Arabic, Devanagari, Thai, Hangul letters and syllables, kana, ideographs
# of three planes, full width, musical signs that decompose, emoji, private use, and what no version has assigned.
SCRIPTS = [
    (0x20, 0x7E), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1FFF), (0x370, 0x3FF), (0x400, 0x4FF), (0x5B0, 0x5F4),
    (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE5B), (0x1100, 0x11FF), (0xAC00, 0xD7A3), (0x3040, 0x30FF),
    (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0xFF00, 0xFFEF), (0x1D100, 0x1D1FF), (0x1F300, 0x1FAFF),
    (0xE000, 0xE0FF), (0x2FE0, 0x2FEF), (0xE0100, 0xE01FF), (0x16E40, 0x16EDF), (0xA720, 0xA7FF),
]  # fmt: skip
# Marks that move past each other when text is decomposed, some of which stay.
MARKS = [0x300, 0x301, 0x327, 0x345, 0x5B0, 0x5BC, 0x64B, 0x93C, 0x94D, 0x302A, 0x302E, 0x1D165, 0x1D16D, 0x1DFA]
PIECES = [
    "the", "café", "e\u0301", "naïve", "İstanbul", "ΌΣΟΣ", "STRASSE", "ẞ", "ß", "ﬁn", "\uff26\uff55\uff4c", "ǅ", "Ω",
    "Å", "I'm", "we'LL", "don't", "'s", "''ve", "it 's", "...", "?!?!", "—", "«a»", "$5", "a_b", "x^2", "½", "Ⅳ",
    "٣٤", "१२", "\uff12", "👩\u200d👩\u200d👧\u200d👦", "👍🏽", "🇩🇪", "❤\ufe0f", "\u200b", "\u200d", "\ufeff", "\u00ad",
    "\x00", "\x0b", "\x1f", "\x7f", "\x85", "\ufffd", "\ufffe", "\U0010ffff", "\u0378", "\t", "\n", "\r\n", "\u00a0",
    "\u3000", "\u2028", "  ", "   ", "a" * 99, "b" * 100, "c" * 101, "é" * 100, "[SEP]", "[MASK]", "[sep]", "[CLS",
    "<mask>", "<s>", "</s>", "<unk>", "##ing", "Ġ", "한국어", "中文", "日本語テスト",
]  # fmt: skip


def sentences(count: int, seed: int) -> list[str]:
    """The same in every run."""
    rng = random.Random(seed)
    return ["", *PIECES, *(_sentence(rng) for _ in range(count - len(PIECES) - 1))]


def _sentence(rng: random.Random) -> str:
    words = (rng.choice(PIECES) if rng.random() < 0.35 else _word(rng) for _ in range(rng.randint(1, 9)))
    return "".join(word + rng.choice((" ", " ", " ", "", "  ", ", ", "\t")) for word in words)


def _word(rng: random.Random) -> str:
    script = rng.choice(SCRIPTS)
    letters = [rng.randint(*script) for _ in range(rng.choice((1, 2, 3, 5, 8)))]
    if rng.random() < 0.3:
        letters[1:1] = rng.choices(MARKS, k=rng.randint(1, 4))
    return "".join(map(chr, letters))
