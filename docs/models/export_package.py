#!/usr/bin/env python3
"""Exports a small perceptron for the tests of AOTInductor packages. Nothing that is built needs it, and the tests are
skipped, and say so, without.

Into FOLDER it writes
  small.pt      64 to 256 to 10, as TorchScript
  dynamic.pt2   the same as an AOTInductor package, for batches of 2 to 64
  fixed4.pt2    the same for batches of 4 only
and then `TAILRACE_PACKAGES=FOLDER ctest --test-dir build -R '^torch$'` runs the tests. Packages hold machine code for the
processor that they were made on: make them where they run.

Needs Python with torch of the version that Tailrace is built with (docs/cmake.md), and a C++ compiler.
"""
import argparse
import pathlib

import torch


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10)).eval()
    example = torch.randn(4, 64)
    torch.jit.trace(net, example).save(str(folder / "small.pt"))
    # The first: without it a package wants LibTorch's CUDA libraries. The second: the number of threads is compiled in.
    settings = {"aot_inductor.link_libtorch": False, "cpp.threads": 1}
    for name, batch in (("dynamic", torch.export.Dim("n", min=2, max=64)), ("fixed4", None)):
        program = torch.export.export(net, (example,), dynamic_shapes=({0: batch},) if batch else None)
        torch._inductor.aoti_compile_and_package(program, package_path=str(folder / f"{name}.pt2"),
                                                 inductor_configs=settings)


if __name__ == "__main__":
    main()
