#include "tailrace/policy/admit.h"

#include <algorithm>
#include <cmath>

namespace tailrace {
namespace {

// Of turns: older ones fade, so that a mean follows a change within some hundred of them.
constexpr std::uint64_t remembered = 512;

double nanoseconds(Duration d) noexcept { return static_cast<double>(std::chrono::nanoseconds(d).count()); }

// How many deviations above its mean a normal variable stays with this chance; by a rational function whose error is
// below 0.0005 (Abramowitz and Stegun, 26.2.23).
double deviations(double chance) noexcept {
  const double t = std::sqrt(-2 * std::log(std::min(chance, 1 - chance)));
  const double z =
      t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  return chance < 0.5 ? -z : z;
}

void renew(const AdmitInTime& policy, AdmitInTime::State& s) noexcept {
  s.renew_at = s.rest.count() + AdmitInTime::renewed_every;
  s.needs = s.rest.quantile(policy.sure);
  s.needs_half = s.rest.quantile(.5);
  // A sketch may say a part in 32 too much.
  s.needs_little = s.rest.quantile(policy.hopeless) * 30 / 32;
}

}  // namespace

Duration AdmitInTime::need(const AdmitSnapshot& seen, const State& s) const noexcept {
  if (seen.ahead == 0) return s.needs;
  const double ahead = seen.ahead, places = std::max(1u, seen.places);
  const double wait = s.turn * ahead / places, spread = s.turn_spread * ahead / (places * places);
  const double later = nanoseconds(s.needs - s.needs_half), z = deviations(sure);
  return s.needs_half + to_duration((wait + std::sqrt(z * z * spread + later * later)) * 1e-9);
}

Admission AdmitInTime::decide(const AdmitSnapshot& seen, State& s) const noexcept {
  if (s.rest.count() < least) return Admission::admit;
  if (s.rest.count() >= s.renew_at) renew(*this, s);
  const bool takes_from_others = seen.ahead > 0 || seen.contended;
  if (takes_from_others) return seen.left >= need(seen, s) ? Admission::admit : Admission::refuse;
  if (seen.left >= s.needs_little) return Admission::admit;
  return ++s.refusals % probe == 0 ? Admission::admit : Admission::refuse;
}

void AdmitInTime::observe(State& s, const AdmitSample& sample) const noexcept {
  switch (sample.kind) {
    case AdmitSample::Kind::answer: return s.rest.add(sample.took);
    case AdmitSample::Kind::missed: return s.rest.add_longer_than(sample.took);
    case AdmitSample::Kind::turn: break;
  }
  const double weight = 1 / static_cast<double>(s.turns < remembered ? ++s.turns : remembered);
  const double off = nanoseconds(sample.took) - s.turn;
  s.turn += weight * off;
  s.turn_spread = (1 - weight) * (s.turn_spread + weight * off * off);
}

}  // namespace tailrace
