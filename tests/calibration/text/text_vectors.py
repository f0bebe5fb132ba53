"""Golden vectors of a text contract for implementations in other languages.

Writes one JSON object a line, in ASCII: `text`, `pair` (or null), `ids` and `token_types` up to the padding, and
`second`, where the second text's tokens begin and end in them (or nothing). The sentences are those that the reference
is compared with the tokenizers library on.

Usage: python tests/calibration/text/text_vectors.py TOKENIZER_FOLDER LENGTH FILE.jsonl
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from tests.calibration.text.text_samples import sentences


def vectors(contract: TextContract, count: int = 2_400, seed: int = 7):
    """A vector of each sentence, and of every third with its neighbour."""
    texts = sentences(count, seed)
    pairs = [(text, None) for text in texts] + list(zip(texts[::3], texts[1::3], strict=False))
    for text, pair in pairs:
        row = contract.encode(text, pair)
        used = int(row.mask.sum())
        yield {
            "text": text,
            "pair": pair,
            "ids": row.ids[:used].tolist(),
            "token_types": row.token_types[:used].tolist(),
            "second": [row.second.start, row.second.stop] if row.second else [],
        }


if __name__ == "__main__":
    folder, length, out = sys.argv[1:]
    lines = [json.dumps(vector) for vector in vectors(contract_from_folder(folder, int(length)))]
    Path(out).write_text("".join(f"{line}\n" for line in lines))
