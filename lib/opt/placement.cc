#include "opt/placement.h"

#include <algorithm>

#include "tailrace/opt/place.h"

namespace tailrace::detail {

namespace {

constexpr Device cpu{};

const Variant* variant_in(const Registry& models, const ModelUse& use) {
  for (const auto& v : models.variants(use.name))
    if (v.name == use.variant) return &v;
  return nullptr;
}
double known_seconds(const BatchTimes& times, Duration latency) {
  if (times.known()) return times.seconds(1);
  return latency > Duration{} ? to_seconds(latency) : -1;
}
double share_of(const Profile& profile, const std::string& where) {
  for (const Cost& c : profile.costs)
    if (c.where == where) return c.share;
  return 1;
}

}  // namespace

double placed_seconds(const Registry& models, const ModelUse& use, Device device) {
  const Variant* v = variant_in(models, use);
  if (!v) return -1;
  if (v->device == device) return known_seconds(v->times, v->latency);
  for (const auto& p : v->elsewhere)
    if (p.device == device) return known_seconds(p.times, p.latency);
  return -1;
}

Placing::Placing(const PlanData& plan, GraphChoices& root, const OptimiseOptions& options) : options_(options) {
  collect(*plan.graph, root, {}, 1);
}

void Placing::collect(const Graph& graph, GraphChoices& choices, const std::string& prefix, double weight) {
  const std::size_t first = sites_.size();
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.stage.model.model && node.stage.bind) add(graph, choices, prefix, i, weight);
  }
  connect(graph, first);
  for (std::size_t i = 1; i < graph.nodes.size(); ++i)
    for (std::size_t k = 0; k < graph.nodes[i].arms.size(); ++k) {
      const std::string path = arm_path(path_of(prefix, graph.nodes[i]), k);
      collect(*graph.nodes[i].arms[k].graph, choices.arms[i][k], path, weight * share_of(options_.profile, path));
    }
}

void Placing::add(const Graph& graph, GraphChoices& choices, const std::string& prefix, std::size_t i, double weight) {
  Site site;
  site.node = &graph.nodes[i];
  site.where = path_of(prefix, *site.node);
  site.choices = &choices;
  site.index = i;
  site.weight = weight;
  fill_seats(site);
  site_of_[site.node] = sites_.size();
  sites_.push_back(std::move(site));
}

void Placing::fill_seats(Site& site) {
  const ModelUse& use = site.node->stage.model;
  const Variant* v = variant_in(options_.models, use);
  if (!v) {
    site.seats.push_back({cpu, use.model});
  } else {
    site.seats.push_back({v->device, v->model, known_seconds(v->times, v->latency), v->bytes, v->row_in, v->row_out});
    for (const auto& p : v->elsewhere)
      if (p.model)
        site.seats.push_back({p.device, p.model, known_seconds(p.times, p.latency), p.bytes, p.row_in, p.row_out});
  }
  const Cost* cost = options_.profile.find(site.where, use.variant);
  if (cost && cost->time.known())
    for (Seat& seat : site.seats)
      if (seat.device == cpu) seat.seconds = cost->time.expected();
  if (!use.need.device) return;
  std::erase_if(site.seats, [&](const Seat& seat) { return seat.device != *use.need.device; });
  if (!site.seats.empty()) return;
  problems_.add(Code::bad_value, site.where,
                "must run on " + name(*use.need.device) + ", but " +
                    (v ? "the registry does not have variant '" + v->name + "' of model '" + use.name + "' there"
                       : "its model was loaded onto the CPU, and the registry does not have it"));
  site.seats.push_back({cpu, use.model});
}

// Who reads whom. Values of arms, and those that several things read, come and go by the CPU.
void Placing::connect(const Graph& graph, std::size_t first) {
  for (std::size_t s = first; s < sites_.size(); ++s) {
    const auto source = site_of_.find(&graph.at(sites_[s].node->inputs.front()));
    if (source != site_of_.end()) sites_[s].before = static_cast<int>(source->second);
  }
  for (std::size_t s = first; s < sites_.size(); ++s) {
    const int me = static_cast<int>(sites_[s].index);
    sites_[s].read_on_cpu = graph.output == me;
    for (const Node& reader : graph.nodes) {
      if (std::find(reader.inputs.begin(), reader.inputs.end(), me) == reader.inputs.end()) continue;
      const auto site = site_of_.find(&reader);
      if (site == site_of_.end()) sites_[s].read_on_cpu = true;
      else sites_[s].behind.push_back(static_cast<int>(site->second));
    }
  }
}

const DeviceFacts* Placing::facts(Device device) const {
  for (const auto& f : options_.devices)
    if (f.device == device) return &f;
  return nullptr;
}

bool Placing::any_choice() const {
  return std::any_of(sites_.begin(), sites_.end(), [](const Site& s) {
    return s.seats.size() > 1 || s.node->stage.model.need.device || s.seats.front().device != cpu;
  });
}

std::string Placing::unknown(const Seat& seat) const {
  if (seat.seconds < 0) return "what it takes on " + name(seat.device) + " is unknown";
  if (seat.device == cpu) return {};
  const DeviceFacts* f = facts(seat.device);
  if (!f || f->copy < 0) return "what copies to " + name(seat.device) + " take is unknown";
  if (f->per_byte > 0 && (!seat.row_in || !seat.row_out)) return "the size of its rows is unknown";
  if (f->memory && !seat.bytes) return "the memory that it takes on " + name(seat.device) + " is unknown";
  return {};
}

// Whether all seats of a choice between this one and the first can be told apart.
bool Placing::weighed(const Site& site, std::size_t seat) const {
  return seat == 0 || (unknown(site.seats[0]).empty() && unknown(site.seats[seat]).empty());
}

bool Placing::keeps(const Placement& p, std::size_t s) const {
  const Site& site = sites_[s];
  const Seat& here = seat(p, s);
  if (here.device == cpu || site.read_on_cpu || site.behind.empty()) return false;
  if (!equal(*site.node->type, type_of<Tensor>)) return false;
  for (const int reader : site.behind)
    if (seat(p, static_cast<std::size_t>(reader)).device != here.device) return false;
  return here.model && here.model->keeping_outputs() != nullptr;
}

unsigned Placing::copies(const Placement& p, std::size_t s) const {
  if (seat(p, s).device == cpu) return 0;
  const bool comes_kept = sites_[s].before >= 0 && keeps(p, static_cast<std::size_t>(sites_[s].before));
  return (comes_kept ? 0u : 1u) + (keeps(p, s) ? 0u : 1u);
}

double Placing::seconds_of(const Placement& p, std::size_t s) const {
  const Site& site = sites_[s];
  const Seat& here = seat(p, s);
  double seconds = std::max(0., here.seconds);
  const DeviceFacts* f = here.device == cpu ? nullptr : facts(here.device);
  if (!f) return seconds;
  const bool comes_kept = site.before >= 0 && keeps(p, static_cast<std::size_t>(site.before));
  const auto copy = [&](std::uint64_t bytes) {
    return std::max(0., f->copy) + f->per_byte * static_cast<double>(bytes);
  };
  if (!comes_kept) seconds += copy(here.row_in);
  if (!keeps(p, s)) seconds += copy(here.row_out);
  // A queue with one server that is busy so often takes so much longer (M/M/1).
  return seconds / (1 - std::clamp(f->busy, 0., .99));
}

double Placing::seconds(const Placement& p) const {
  double sum = 0;
  for (std::size_t s = 0; s < sites_.size(); ++s) sum += sites_[s].weight * seconds_of(p, s);
  return sum;
}

bool Placing::fits(const Placement& p) const {
  for (const DeviceFacts& f : options_.devices) {
    if (!f.memory) continue;
    std::map<const Model*, std::uint64_t> there;  // one network serves all stages that use it
    for (std::size_t s = 0; s < sites_.size(); ++s)
      if (seat(p, s).device == f.device) there[seat(p, s).model.get()] = seat(p, s).bytes;
    std::uint64_t bytes = 0;
    for (const auto& [model, takes] : there) bytes += takes;
    if (bytes > f.memory) return false;
  }
  return true;
}

Placement Placing::as_bound() const { return Placement(sites_.size(), 0); }

Placement Placing::as_chosen() const {
  Placement p = as_bound();
  for (std::size_t s = 0; s < sites_.size(); ++s)
    for (std::size_t k = 0; k < sites_[s].seats.size(); ++k)
      if (sites_[s].seats[k].device == sites_[s].choices->device[sites_[s].index]) p[s] = k;
  return p;
}

// Moves one model at a time, as long as that gains.
Placement Placing::descend(Placement p) const {
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t s = 0; s < sites_.size(); ++s)
      for (std::size_t k = 0; k < sites_[s].seats.size(); ++k) {
        if (k == p[s] || !weighed(sites_[s], k)) continue;
        Placement other = p;
        other[s] = k;
        if (!fits(other) || !(seconds(other) < seconds(p) * (1 - 1e-9))) continue;
        p = std::move(other);
        moved = true;
      }
  }
  return p;
}

// From every model where it is, and from as many as fit on each device: neighbours gain by moving together what none
// of them gains alone.
Placement Placing::best() const {
  Placement best = descend(as_bound());
  for (const DeviceFacts& f : options_.devices) {
    Placement p = as_bound();
    for (std::size_t s = 0; s < sites_.size(); ++s)
      for (std::size_t k = 0; k < sites_[s].seats.size(); ++k) {
        Placement other = p;
        other[s] = k;
        if (sites_[s].seats[k].device == f.device && weighed(sites_[s], k) && fits(other)) p = std::move(other);
      }
    p = descend(std::move(p));
    if (fits(p) && (!fits(best) || seconds(p) < seconds(best) * (1 - 1e-9))) best = std::move(p);
  }
  return best;
}

}  // namespace tailrace::detail
