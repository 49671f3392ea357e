#include "batching/scenario.h"

// What calls take: minimum, first quartile and median of 480 calls of each size, in microseconds; torch 2.15.0, linear
// layers and ReLUs under InferenceMode on one thread of a two-processor AMD EPYC virtual machine. The last two are made
// up: a constant and so much a row, and one without a gain.
namespace batching {
namespace {

struct Row {
  std::uint32_t rows;
  double least, p25, p50;
};
tr::BatchTimes table(const std::vector<Row>& rows) {
  tr::BatchTimes times;
  for (const Row& r : rows) times.times.push_back({r.rows, 480, 1e-6 * r.least, 1e-6 * r.p25, 1e-6 * r.p50});
  return times;
}
tr::BatchTimes line(double base, double row) {
  tr::BatchTimes times;
  for (const std::uint32_t n : {1u, most}) {
    const double seconds = 1e-6 * (base + row * n);
    times.times.push_back({n, 1, seconds, seconds, seconds});
  }
  return times;
}

}  // namespace

const std::vector<Model>& models() {
  static const std::vector<Model> all{
      {"64-256-10", table({{1, 4.93, 5.06, 5.1},
                           {2, 6.63, 6.73, 6.77},
                           {3, 8.02, 8.1, 8.14},
                           {4, 7.09, 7.17, 7.21},
                           {5, 8.34, 8.46, 8.49},
                           {6, 8.53, 8.66, 8.7},
                           {7, 9.69, 9.79, 9.84},
                           {8, 9.13, 9.27, 9.31},
                           {10, 10.6, 10.8, 10.8},
                           {12, 11.1, 11.2, 11.3},
                           {16, 13.2, 13.3, 13.3},
                           {20, 15.1, 15.3, 15.3},
                           {24, 17.2, 17.3, 17.3},
                           {32, 21.2, 21.4, 21.9},
                           {48, 29.6, 29.9, 30},
                           {64, 37.2, 37.8, 37.9}})},
      {"64-512-512-10", table({{1, 28.2, 30.4, 30.6},
                               {2, 50, 50.6, 50.9},
                               {3, 68.1, 71.7, 72.1},
                               {4, 61.4, 63.1, 63.5},
                               {5, 81.1, 82.9, 83.4},
                               {6, 82.1, 83.7, 84.2},
                               {7, 101, 103, 103},
                               {8, 85.3, 86.9, 87.3},
                               {10, 106, 108, 108},
                               {12, 110, 111, 111},
                               {16, 133, 135, 135},
                               {20, 156, 159, 160},
                               {24, 181, 183, 184},
                               {32, 228, 230, 231},
                               {48, 324, 326, 331},
                               {64, 419, 423, 429}})},
      {"64-1024-1024-10", table({{1, 78.7, 83.3, 84.4},
                                 {2, 148, 154, 155},
                                 {3, 217, 226, 229},
                                 {4, 301, 305, 309},
                                 {5, 376, 378, 384},
                                 {6, 378, 381, 385},
                                 {7, 449, 452, 456},
                                 {8, 388, 391, 393},
                                 {10, 464, 468, 471},
                                 {12, 475, 477, 482},
                                 {16, 562, 566, 575},
                                 {20, 650, 655, 665},
                                 {24, 735, 743, 761},
                                 {32, 909, 919, 952},
                                 {48, 1250, 1280, 1320},
                                 {64, 1600, 1640, 1710}})},
      {"20 us + 5 us a row", line(20, 5)},
      {"50 us a row", line(0, 50)},
  };
  return all;
}

}  // namespace batching
