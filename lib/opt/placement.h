#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tailrace/opt/pass.h"

// Where models can run, and what placements cost: what `place` chooses from.
namespace tailrace::detail {

// One place for one model.
struct Seat {
  Device device;
  std::shared_ptr<const Model> model;
  double seconds = -1;                    // of a call; below 0: unknown
  std::uint64_t bytes = 0;                // memory there; 0: unknown
  std::uint64_t row_in = 0, row_out = 0;  // bytes that copies take; 0: unknown
};

// A model of the plan.
struct Site {
  std::string where;
  const Node* node = nullptr;
  GraphChoices* choices = nullptr;
  std::size_t index = 0;     // in its graph
  double weight = 1;         // how often a request gets there
  int before = -1;           // the site whose value it reads; -1: a value on the CPU
  std::vector<int> behind;   // the sites that read its value
  bool read_on_cpu = false;  // something else reads it, too
  std::vector<Seat> seats;   // what it may run on; the first is where it is when nothing is decided
};

// A seat for each site.
using Placement = std::vector<std::size_t>;

class Placing {
 public:
  Placing(const PlanData& plan, GraphChoices& root, const OptimiseOptions& options);

  const std::vector<Site>& sites() const { return sites_; }
  const Problems& problems() const { return problems_; }
  bool any_choice() const;

  Placement as_bound() const;   // every model as the graph has it
  Placement as_chosen() const;  // by the devices in the choices
  Placement best() const;       // what is expected to take least, of what fits
  double seconds(const Placement& p) const;
  bool fits(const Placement& p) const;

  // Whether a model's output stays where it is, and what a call of it takes with its copies.
  bool keeps(const Placement& p, std::size_t site) const;
  unsigned copies(const Placement& p, std::size_t site) const;
  double seconds_of(const Placement& p, std::size_t site) const;
  const Seat& seat(const Placement& p, std::size_t site) const { return sites_[site].seats[p[site]]; }
  // Why a seat cannot be weighed; empty: it can.
  std::string unknown(const Seat& seat) const;

 private:
  void collect(const Graph& graph, GraphChoices& choices, const std::string& prefix, double weight);
  void add(const Graph& graph, GraphChoices& choices, const std::string& prefix, std::size_t i, double weight);
  void fill_seats(Site& site);
  void connect(const Graph& graph, std::size_t first);
  bool weighed(const Site& site, std::size_t seat) const;
  const DeviceFacts* facts(Device device) const;
  Placement descend(Placement p) const;

  const OptimiseOptions& options_;
  std::vector<Site> sites_;
  std::map<const Node*, std::size_t> site_of_;
  Problems problems_;
};

}  // namespace tailrace::detail
