# SPDX-License-Identifier: Apache-2.0
"""The tables from figures that are known, the page's section, and the arithmetic of the models."""

import unittest

import work
from tables import BEGIN, END, Report, mean, number, replace_section


def results(ours, floor, libtorch):
    names = {"keras-cpp": ours, "floor": floor, "libtorch": libtorch}
    cells = {
        f"train {m} {b}": {n: {"ms": t} for n, t in names.items()} for m in work.TRAINED for b in (32, 128)
    }
    cells |= {
        f"infer {m} 1": {n: {"ms": t / 100} for n, t in names.items() if n != "floor"} for m in work.MODELS
    }
    return {
        "date": "2026-01-01",
        "machine": "a machine",
        "contested": False,
        "others_most": 0.1,
        "others_median": 0.0,
        "rounds": 1,
        "seconds": 1.0,
        "processor_time": False,
        "limits": {"fma_gflops": 500.0, "threads": 2, "read_gb_s": 30.0},
        "peers": [{"name": n, "title": n, "missing": None, "settings": ""} for n in names],
        "cells": cells,
        "peaks": {"train mlp 128": [400.0, 500.0, 600.0]},
        "memory_batch": 128,
        "memory": {"mlp": {"keras-cpp": {"peak_kb": 1024}, "libtorch": {"peak_kb": 4096}}},
    }


class Tables(unittest.TestCase):
    def test_numbers_keep_three_digits(self):
        self.assertEqual(
            [number(v) for v in (0, 0.01234, 0.5, 1.234, 12.34, 1234.5)],
            ["0", "0.0123", "0.500", "1.23", "12.3", "1234"],
        )

    def test_ratios_are_averaged_geometrically(self):
        self.assertAlmostEqual(mean([1, 4]), 2)

    def test_a_faster_program_reaches_its_goals(self):
        text = Report(results(1.0, 0.9, 2.0)).text()
        self.assertIn("fastest | 10 of 10 | all 10 | reached", text)
        self.assertIn("LibTorch's time / keras.cpp's, geometric mean | 2.00 | at least 1.9 | reached", text)
        self.assertIn(
            "`cnn` at 128, keras.cpp's time / the step by hand | 1.11 | at most 1.15 | reached", text
        )
        self.assertIn("| 0.25 | reached |", text)
        share = work.flops("mlp", True, 128) / 1e6 / 500 * 100
        self.assertIn(f"| `mlp` | 500 | {share:.0f} |", text)

    def test_a_slower_program_misses_them(self):
        text = Report(results(2.0, 1.0, 1.5)).text()
        self.assertIn("fastest | 0 of 10 | all 10 | missed", text)
        self.assertIn("keras.cpp's time / the step by hand | 2.00 | at most 1.15 | missed", text)

    def test_contested_figures_say_so(self):
        found = results(1.0, 0.9, 2.0)
        found["contested"] = True
        self.assertIn("**Contested**", Report(found).text())

    def test_what_is_missing_is_named_with_its_reason(self):
        found = results(1.0, 0.9, 2.0)
        found["peers"].append(
            {"name": "keras-jax", "title": "Keras on JAX", "missing": "no wheel", "settings": ""}
        )
        self.assertIn("Keras on JAX: left out: no wheel", Report(found).text())

    def test_only_the_marked_section_is_replaced(self):
        page = replace_section("# Page\nbefore\n", "old\n")
        page = replace_section(page + "\nafter\n", "new\n")
        self.assertEqual(
            page, f"# Page\nbefore\n\n{BEGIN}\nnew\n{END}\n\nafter\n".replace("\n\nafter", "\nafter")
        )


class Arithmetic(unittest.TestCase):
    def test_multiply_adds_are_the_models(self):
        self.assertEqual(work.flops("mlp", False, 1), 2 * (784 * 512 + 512 * 512 + 5120))
        self.assertEqual(work.flops("mlp", True, 1), 2 * (3 * (784 * 512 + 512 * 512 + 5120) - 784 * 512))
        # 41 million in ResNet-20 (He et al., 2015), 300 million in MobileNetV2 (Sandler et al., 2018).
        self.assertAlmostEqual(work.MULTIPLY_ADDS["resnet20"][0] / 41e6, 1, delta=0.02)
        self.assertAlmostEqual(work.MULTIPLY_ADDS["mobilenetv2"][0] / 300e6, 1, delta=0.02)


if __name__ == "__main__":
    unittest.main()
