#pragma once
#include <string>
#include <string_view>

#include "tailrace/model/model_profile.h"

namespace tailrace {

// Profiles of models as JSON: what `tailrace profile` writes, and what --models takes instead of a folder.
//
//   { "models": [
//     {"model": "digit", "variant": "tiny.pt", "device": "cpu", "threads": 1,
//      "file": "tiny.pt", "bytes": 13892, "content": "af63dc4c8601ec8c",
//      "back_end": "LibTorch 2.9 model tiny.pt on cpu",
//      "measured": {"machine": "AMD EPYC, 2 usable", "date": "2026-11-22", "foreign": 0.003},
//      "rows": [{"dtype": "float32", "shape": [64]}],
//      "gives": [{"dtype": "float32", "shape": [10]}],
//      "load": {"read": 1e-05, "prepare": 0.021, "warm_up": 0.004},
//      "memory": {"loaded": 1200000, "peak": 2400000},
//      "accuracy": {"data": "digits.csv", "rows": 899, "right": 851},
//      "times": [
//        {"rows": 1, "calls": 400, "min": 6.9e-06, "p50": 7.1e-06, "p99": 9e-06},
//        {"rows": 2, "calls": 400, "min": 8.1e-06, "p50": 8.4e-06, "p99": 1.2e-05, "steady": false}],
//      "fit": {"base": 6e-06, "per_row": 9e-07, "worst": 0.1},
//      "first_calls": [{"rows": 1, "first": 0.002, "second": 0.001}],
//      "throughput": [{"callers": 2, "rows": 64, "per_second": 150000}]}]}
//
// Times are seconds. `model` is needed and everything else may be left out: `variant` is `file` then, and a profile of
// only names and files is a list of models of which nothing is known. `fit` is for people and other programs: it is
// written from the table, and not read. Text may come from anybody: it is bounded (16 MiB, 8 levels deep, 4096
// profiles, 4096 numbers of rows in each) and never crashes the reader. The first thing that is wrong is reported;
// Problem::where is "line:column".
Built<ModelProfiles> read_models(std::string_view text);

// Ends in a newline; read_models gives equal profiles. What it would refuse is a problem.
Built<std::string> write_models(const ModelProfiles& models);

}  // namespace tailrace
