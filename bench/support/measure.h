#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tailrace/load/foreign.h"

// How figures are taken: ways of doing the same work run in turns, and only their ratios count.
namespace bench {

// One way of doing the work. `run(n)` does it n times, each on the answer of the one before, and returns the last
// answer: arms that are compared give the same one for the same n.
struct Arm {
  std::string name;
  std::function<std::uint32_t(long n)> run;
};

struct Stats {
  double min = 0, median = 0;
  double spread = 0;  // distance of the quartiles, as a share of the median
};
Stats stats(std::vector<double> values);

using Series = std::vector<double>;  // nanoseconds per piece of work, by round
Series divide(const Series& a, const Series& b);
Series subtract(const Series& a, const Series& b);
// What one unit more costs, from arms that do `few` and `many` of them.
Series slope(const Series& few, const Series& many, double units);

struct Options {
  int rounds = 15;              // at least 11 where figures are published
  double round_seconds = 0.02;  // of one arm in one round
  int attempts = 5;             // to find a machine without others at work
  double most_foreign = 0.01;   // processor time of others, as a share of the machine
};
struct Comparison {
  std::vector<Series> arms;  // in the order given
  double foreign = 0;        // of the attempt that was kept: the quietest one
  bool quiet = false;        // false: void, others were at work in every attempt
  int attempts = 0;
};
// Takes a figure of each of `arms` ways in turns, in the order A B … B A …, until the machine was quiet meanwhile.
Comparison take_turns(std::size_t arms, const std::function<double(std::size_t arm)>& once, const Options& options);
// Times the arms in the order A B … B A … . REQUIRES: their answers have been compared.
Comparison time(const std::vector<Arm>& arms, const Options& options);

struct WrongAnswer {
  std::string what;
};
// Throws WrongAnswer where two arms disagree.
void check_answers(const std::vector<Arm>& arms);
// Both.
Comparison compare(const std::vector<Arm>& arms, const Options& options);

// Processor time that everybody else used since this was made, as a share of the machine.
class ForeignLoad {
 public:
  double share() const { return load_.share().value_or(0); }

 private:
  tailrace::load::ForeignLoad load_;
};

// Calls of malloc and its relatives (operator new among them) by any thread of the process. Always 0 under a sanitizer,
// which has a malloc of its own; `counts_allocations` says so.
extern const bool counts_allocations;
long allocations();

}  // namespace bench
