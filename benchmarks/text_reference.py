"""Every family and head of text model beside transformers' own classes in torch, on small random checkpoints.

transformers' classes run in a Python that has torch and transformers, which need not be Litesmith's. They have to load
each checkpoint without a missing or unexpected weight. The outputs are compared at the tokens that are no padding.

Usage: python benchmarks/text_reference.py [--torch-python PYTHON] [--write FILE.json]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.golden.make_text_checkpoints import (  # noqa: E402
    CASES,
    Case,
    answers,
    at_tokens,
    excerpt,
    sample_ids,
    sample_types,
    write_checkpoint,
)

LIMIT = 1e-4
AUTO = {
    "embedding": "AutoModel",
    "sequence": "AutoModelForSequenceClassification",
    "token": "AutoModelForTokenClassification",
    "answer": "AutoModelForQuestionAnswering",
}


def main() -> None:
    """Compare all cases and print a row for each; exit 1 where one differs by more than 1e-4."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch-python", default=sys.executable, help="a Python with torch and transformers")
    parser.add_argument("--write", type=Path, help="write a few numbers of each output, for the tests")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.answer:
        answer(args.answer)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for case in CASES:
            write_checkpoint(folder / case.id, case)
        subprocess.run([args.torch_python, __file__, "--answer", folder], check=True)
        references = {case.id: np.load(folder / f"{case.id}.npy") for case in CASES}
        worst = max(compare(folder / case.id, case, references[case.id]) for case in CASES)
        print((folder / "versions.txt").read_text())
    if args.write:
        rows = (f"{json.dumps(name)}: {json.dumps(excerpt(values))}" for name, values in references.items())
        args.write.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    sys.exit(worst > LIMIT)


def answer(folder: Path) -> None:
    """What transformers' classes say to each checkpoint, beside it."""
    import torch
    import transformers

    for case in CASES:
        loader = getattr(transformers, AUTO[case.kind])
        model, loading = loader.from_pretrained(folder / case.id, output_loading_info=True)
        if odd := [*loading["missing_keys"], *loading["unexpected_keys"], *loading["mismatched_keys"]]:
            sys.exit(f"{case.id}: transformers expects other weights: {odd}")
        ids, types = (torch.from_numpy(array).long() for array in (sample_ids(case), sample_types(case)))
        mask = (ids != case.config["pad_token_id"]).long()
        given = {"input_ids": ids, "attention_mask": mask}
        if case.kind == "answer" and case.config.get("type_vocab_size", 0) > 1:
            given["token_type_ids"] = types
        with torch.no_grad():
            said = model.eval()(**given)
        if case.kind == "embedding":
            valid = mask[:, :, None]
            values = (said.last_hidden_state * valid).sum(1) / valid.sum(1)
        elif case.kind == "answer":
            values = torch.stack([said.start_logits, said.end_logits], -1)
        else:
            values = said.logits
        np.save(folder / f"{case.id}.npy", at_tokens(case, values.numpy()))
    versions = f"transformers {transformers.__version__}, torch {torch.__version__}"
    (folder / "versions.txt").write_text(versions)


def compare(folder: Path, case: Case, reference: np.ndarray) -> float:
    """The largest difference between Litesmith's Keras model and the reference."""
    from litesmith.converters.huggingface import load_text_model

    text_model = load_text_model(folder, length=sample_ids(case).shape[1])
    difference = float(np.abs(answers(case, text_model) - reference).max())
    print(f"{case.id:32} {reference.shape!s:14} largest {np.abs(reference).max():8.4f}  difference {difference:.1e}")
    return difference


if __name__ == "__main__":
    main()
