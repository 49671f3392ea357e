"""CREPE, which hears the pitch of a voice or an instrument, for export.py: tiny and full, by the package torchcrepe."""
import json
import math
import pathlib
import sys
import types

RECORDED = pathlib.Path(__file__).resolve().parent / "pitch.json"
PACKAGES = ["torchcrepe==0.0.24", "tqdm==4.68.0"]
SIZES = ["tiny", "full"]
RATE, SAMPLES, BINS = 16000, 1024, 360
# What torchcrepe imports for reading files, resampling, decoding and loudness. None of that happens here.
UNUSED = ["librosa", "resampy", "scipy", "scipy.io", "scipy.io.wavfile", "torchaudio"]
TONES = [110, 440, 987.77]  # Hz


def package():
    """torchcrepe, with empty modules where it imports what is not used."""
    empty = {name: types.ModuleType(name) for name in UNUSED}
    empty["scipy.io"].wavfile = empty["scipy.io.wavfile"]
    sys.modules.update(empty)
    import torchcrepe
    for name in UNUSED:
        del sys.modules[name]
    assert (torchcrepe.SAMPLE_RATE, torchcrepe.WINDOW_SIZE, torchcrepe.PITCH_BINS) == (RATE, SAMPLES, BINS)
    return torchcrepe


def tones():
    """A frame of each tone, as torchcrepe prepares it: [3, 1024] of float32."""
    import torch
    sounds = [[math.sin(2 * math.pi * hertz * n / RATE) for n in range(SAMPLES)] for hertz in TONES]
    preprocess = package().preprocess
    return torch.cat([frame for sound in sounds for frame in preprocess(torch.tensor([sound]), RATE, pad=False)])


def export(folder, say):
    """Writes crepe_tiny.pt, crepe_full.pt and pitch.json. Gives what the originals say about the tones."""
    import torch
    frames, said = tones(), {}
    for size in SIZES:
        with torch.no_grad():
            said[size] = package().infer(frames, size)
        network = package().infer.model
        example = torch.randn(2, SAMPLES, generator=torch.Generator().manual_seed(1))
        torch.jit.freeze(torch.jit.trace(network, example)).save(str(folder / f"crepe_{size}.pt"))
        loaded = torch.jit.load(str(folder / f"crepe_{size}.pt"))
        with torch.no_grad():
            apart = (loaded(frames) - said[size]).abs().max().item()
        assert apart < 1e-5, f"crepe_{size}: exported answers differ from the original's by {apart}"
        say(f"crepe_{size}.pt: answers within {apart:.1e} of the original's")
    facts = {
        "model": "CREPE, as torchcrepe 0.0.24 has it", "source": "PyPI: torchcrepe 0.0.24", "licence": "MIT",
        "input": {"dtype": "float32", "shape": [SAMPLES]},
        "preprocessing": f"mono, {RATE} Hz, minus the frame's mean, divided by its deviation (of n - 1)",
        "output": {"dtype": "float32", "shape": [BINS],
                   "meaning": "probabilities of pitches; bin i is 10 * 2 ^ ((20 i + 1997.3794084376191) / 1200) Hz"}}
    (folder / "pitch.json").write_text(json.dumps(facts, indent=2) + "\n")
    return {size: [[round(p, 7) for p in row] for row in rows.tolist()] for size, rows in said.items()}


def write(said, packages):
    lines = ['{ "made by": "docs/models/export.py --record",', '  "packages": ' + json.dumps(packages) + ",",
             f'  "rate": {RATE}, "samples": {SAMPLES}, "tones": ' + json.dumps(TONES) + ",", '  "answers": {']
    lines += [f'    "{size}": [\n      ' + ",\n      ".join(json.dumps(row) for row in rows) + "],"
              for size, rows in said.items()]
    lines[-1] = lines[-1][:-1] + "}}"
    RECORDED.write_text("\n".join(lines) + "\n")


def differences(said, within):
    """One line for each tone about which the original now says something else."""
    known = json.loads(RECORDED.read_text())["answers"]
    for size, rows in said.items():
        for hertz, got, expected in zip(TONES, rows, known[size], strict=True):
            apart = max(abs(a - b) for a, b in zip(got, expected, strict=True))
            if not apart <= within:
                yield f"crepe_{size}, {hertz} Hz: a probability differs from the recorded one by {apart}"
