#pragma once
#include <cstddef>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tailrace/model/batch_times.h"

namespace tailrace::test {

// 2 ms and 1 ms a row; 3 rows take longer than 4.
inline BatchTimes times_with_a_cliff() {
  BatchTimes all;
  for (const auto& [rows, s] : {std::pair{1u, 3e-3}, {2u, 4e-3}, {3u, 8e-3}, {4u, 6e-3}, {8u, 10e-3}})
    all.times.push_back({rows, 1, s, s, s});
  return all;
}

// Of the requests that simulate() wrote to `raw`, by number: the latency in microseconds, or why there is no answer.
inline std::string latencies_in(const std::string& raw, std::size_t requests) {
  std::vector<std::string> all(requests);
  std::istringstream lines(raw);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] < '0' || line[0] > '9') continue;  // the columns' names
    std::istringstream cells(line);
    std::string number, arrival, latency, outcome;
    for (std::string* cell : {&number, &arrival, &latency, &outcome}) std::getline(cells, *cell, ',');
    all[std::stoul(number)] = outcome == "answered" ? std::to_string(std::stoll(latency) / 1000) : outcome;
  }
  std::string text;
  for (const auto& one : all) text += (text.empty() ? "" : " ") + one;
  return text;
}

}  // namespace tailrace::test
