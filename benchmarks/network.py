"""How fast the networks are, as a share of what the machine multiplies.

Run `OMP_NUM_THREADS=1 python -m benchmarks.network` from the root of the project. A
network and a product of two square matrices of the same type take turns in one process,
so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fahrstats.face.network.sizes import Size, architecture, flop_per_image
from fahrstats.face.network.vit import Precision, VisionTransformer, to_precision

SIDE = 4096
BATCH = 8
WANTED = 0.70
SIZES: tuple[Size, ...] = ("small", "base")
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class Speed:
    """What one network does, and the product of matrices between its passes."""

    images_per_s: float
    flop_per_s: float
    product_flop_per_s: float
    error: float

    @property
    def share(self) -> float:
        """Of the product's operations a second, those of the network."""
        return self.flop_per_s / self.product_flop_per_s


def measure(size: Size, precision: Precision, *, batch: int, turns: int) -> Speed:
    """Time a network by turns with the product; CPU time, medians."""
    shape = architecture(size)
    exact = VisionTransformer(shape, 1).eval()
    network = to_precision(VisionTransformer(shape, 1).eval(), precision)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, 3, 224, 224, generator=generator)
    left, right = torch.randn(2, SIDE, SIDE, generator=generator).to(
        getattr(torch, precision)
    )
    passes, products = [], []
    with torch.inference_mode():
        difference = network.embed(images) - exact.embed(images)
        torch.mm(left, right)
        for _ in range(turns):
            passes.append(_cpu_seconds(lambda: network(images)))
            products.append(_cpu_seconds(lambda: torch.mm(left, right)))
    images_per_s = batch / statistics.median(passes)
    return Speed(
        images_per_s=images_per_s,
        flop_per_s=images_per_s * flop_per_image(shape, class_token_only=True),
        product_flop_per_s=2 * SIDE**3 / statistics.median(products),
        error=difference.square().mean().sqrt().item(),
    )


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.network", description=__doc__
    )
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--turns", type=int, default=11)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"One thread, torch {torch.__version__}, batches of {options.batch}, "
        "224 x 224, patches of 16. Operations counted are those done: the last block's "
        "for the class token only. The error is that of embeddings, whose variance "
        "is 1, against float32.\n"
    )
    print(
        "| network | type | images/s | GFLOP/s | "
        f"{SIDE}-cubed product | share, wanted {WANTED:.2f} | error (RMS) |"
    )
    print("|---|---|--:|--:|--:|--:|--:|")
    for size in SIZES:
        for precision in PRECISIONS:
            speed = measure(size, precision, batch=options.batch, turns=options.turns)
            missed = "" if speed.share >= WANTED else ", missed"
            done, limit = speed.flop_per_s / 1e9, speed.product_flop_per_s / 1e9
            print(
                f"| {size} | {precision} | {speed.images_per_s:.2f} | "
                f"{done:.0f} | {limit:.0f} | {speed.share:.2f}{missed} | "
                f"{speed.error:.4f} |",
                flush=True,
            )


def _cpu_seconds(call: Callable[[], Tensor]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()
